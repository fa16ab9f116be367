"""The one exception for mistakes that the person at the keyboard can mend."""

import difflib


class InputError(ValueError):
    """Something asked for cannot be done; the message is one sentence that says what to do instead."""

    def _render_traceback_(self):
        """Show the sentence alone in a notebook: IPython calls this instead of printing a traceback."""
        return [f"{type(self).__name__}: {self}"]


def check_choice(kind, value, valid):
    """Return `value` if it is one of `valid`, else raise an InputError that suggests the nearest one.

    kind: what is being chosen, for the message ("layer", "network", …).
    """
    if isinstance(value, str) and value in valid:
        return value
    names = [str(name) for name in valid]
    near = difflib.get_close_matches(str(value).lower(), names, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise InputError(f"There is no {kind} '{value}'.{hint} Known: {', '.join(names)}.")


def check_whole(name, value, least):
    """Return `value` as an int if it is a whole number from `least` up to 63 bits, else raise an InputError."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value < 2**63:
        raise InputError(f"{name} is a whole number, {least} or more; got {value!r}.")
    return int(value)
