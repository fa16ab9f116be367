"""The studio: controls, buttons and a display around a run in its own thread.

studio.Studio()                                              # the whole of it
studio.Studio(Recipe(steps=50), {"alpha_beta": None})        # with one knob
"""

import base64
import dataclasses
import functools
import html
import pathlib
import warnings

import ipywidgets

from stylelib.figures import kept_frames
from stylelib.images import to_jpeg
from stylelib.paper import recordings
from stylelib.recipes import Recipe, change_alpha_beta
from stylelib.studio.controls import LABELS, make_control
from stylelib.studio.display import Display, progress
from stylelib.studio.panels import PANELS
from stylelib.studio.runner import FAILED, FINISHED, PAUSED, PREPARING, READY, RUNNING, STOPPED, Runner
from stylelib.studio.saving import Saving
from stylelib.studio.stills import inputs, strip
from stylelib.support.errors import InputError, check_choice
from stylelib.support.machine import preset
from stylelib.weights.networks import cached_network

SEEN = {"transfer": set(LABELS), "content": set(LABELS) - {"style", "style_layers", "alpha_beta"},
        "style": set(LABELS) - {"content", "content_layer", "alpha_beta"}}  # fmt: skip


ANIMATION_FRAMES = 40


WORDS = {
    READY: "Ready.",
    PREPARING: "Preparing: loading the network and the pictures …",
    PAUSED: "Paused. Resume goes on; α/β may be changed meanwhile.",
}


_open = {}  # cell: (its execution, the studios that this made); running the cell again closes them


class Studio(ipywidgets.VBox):
    """Widgets to set up a run, to watch and steer it, and to keep what comes out.

    recipe: what it starts with; the preset's size and steps if None. knobs: which of a recipe's values can be turned,
    {name: None, or {label: value} for a slider with these alone}; all of them if None. title: a line above.
    recording: shown for the values that it has, until a run is started.

    α/β can be turned while the run goes on or pauses: the picture goes on from what it is. All else needs a new run.
    """

    def __init__(self, recipe=None, knobs=None, title=None, recording=None):
        self.runner = None
        self.recipe = self._cooked = recipe or Recipe(size=preset().size, steps=preset().steps)
        names = [name for name in LABELS if name in SEEN[self.recipe.kind]] if knobs is None else knobs
        choices = knobs if isinstance(knobs, dict) else {}
        self.controls = {name: make_control(name, getattr(self.recipe, name), choices.get(name)) for name in names}
        for control in self.controls.values():
            control.on_change(self._turned)
        self.recording = recording
        self.display = Display()
        self.buttons = self._make_buttons()
        self.code = ipywidgets.HTML()
        self.code.add_class("stylelib-code")
        self.saving = Saving(self)
        left = ipywidgets.VBox(
            [*(control.box for control in self.controls.values()), self._button_row(), self.code, self.saving.box],
            layout={"flex": "1 1 320px", "max_width": "34em"},
        )
        columns = ipywidgets.HBox([left, self.display.box], layout={"flex_flow": "row wrap", "grid_gap": "1em"})
        heading = [ipywidgets.HTML(f"<h3>{html.escape(title)}</h3>")] if title else []
        super().__init__([_stylesheet(), *heading, columns])
        self._reflect()
        self._show_recorded()
        self._register()

    # ------------------------------------------------------------------------------------------------- what one can do

    def run(self):
        """Start with the values that the controls have, unless one of them is refused. Returns the studio."""
        if self.runner is not None and self.runner.active:
            return self
        recipe = self.chosen()
        if recipe is None:
            return self
        self._cooked = recipe
        self.display.clear()
        self.runner = Runner(
            functools.partial(self._prepare, recipe), recipe.play, on_step=self._step, on_change=self._reflect
        )
        self.runner.start()
        return self

    def pause(self):
        if self.runner is not None and self.runner.state == RUNNING:
            self.display.say("Pausing: the step under way comes to its end.")
            self.runner.pause()

    def resume(self):
        if self.runner is not None:
            self.runner.start()

    def stop(self):
        if self.runner is not None and self.runner.active:
            self.display.say("Stopping: the step under way comes to its end.")
            self.runner.stop()

    def reset(self):
        """Stop, and set every control back to what it was at first."""
        self.stop()
        self.runner, self._cooked = None, self.recipe
        for name, control in self.controls.items():
            control.set(getattr(self.recipe, name))
        self.display.clear()
        self._reflect()
        self._show_recorded()

    def wait(self, timeout=None):
        """Wait for the end of the run, as a cell that needs its picture must; False if it pauses instead."""
        return self.runner is None or self.runner.wait(timeout)

    @property
    def current(self):
        """The run, a Synthesis: under way, paused or ended; None before the first."""
        return None if self.runner is None else self.runner.run

    def chosen(self):
        """The recipe that the controls say, or None if one of them is refused, with a sentence beside it."""
        values = {**dataclasses.asdict(self.recipe), **{name: one.value for name, one in self.controls.items()}}
        good = [control.check(values) for control in self.controls.values()]  # all of them, to complain of each
        recipe = dataclasses.replace(self.recipe, **{name: values[name] for name in self.controls})
        if not all(good) or not self._fits(recipe):
            self.display.say("Not started: see the sentence marked ⚠.")
            return None
        return recipe if recipe == self.recipe else dataclasses.replace(recipe, changes=())  # changes of another run

    def close(self):
        """End the run and let go of it: the widgets would keep its pictures in memory."""
        self.stop()
        for widget in list(_inside(self)):
            widget.close()
        super().close()

    def _repr_mimebundle_(self, **arguments):
        """A page that runs nothing shows pictures in place of the widgets: the recording's, or those to start from."""
        bundle = super()._repr_mimebundle_(**arguments)
        if bundle:
            still = strip(self.recording) if self.recording else inputs(self.recipe)
            bundle["image/jpeg"] = base64.b64encode(still.jpeg()).decode()
        return bundle

    # ------------------------------------------------------------------------------------------------------- the inside

    def _make_buttons(self):
        def button(text, icon, tooltip, act, style=""):
            one = ipywidgets.Button(
                description=text, icon=icon, tooltip=tooltip, button_style=style, layout={"width": "7.5em"}
            )
            one.on_click(lambda _: act())
            return one

        return {
            "run": button("Run", "play", "Compute the picture, on this machine", self.run, "primary"),
            "pause": button("Pause", "pause", "Hold after the step under way", self._pause_or_resume),
            "stop": button("Stop", "stop", "End the run and keep its picture", self.stop),
            "reset": button("Reset", "undo", "End the run; all controls as at first", self.reset),
        }

    def _button_row(self):
        return ipywidgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})

    def _pause_or_resume(self):
        self.resume() if self.runner is not None and self.runner.state == PAUSED else self.pause()

    def _fits(self, recipe):
        """Whether the values go together; what they say of that stands beside the size, as a rule the one at fault."""
        control = self.controls.get("size") or next(iter(self.controls.values()))
        try:
            with warnings.catch_warnings(record=True) as remarks:
                warnings.simplefilter("always")
                recipe.check()
        except InputError as error:
            control.complain(str(error))
            return False
        control.complain(" ".join(str(remark.message) for remark in remarks))  # of pictures smaller than the size
        return True

    def _prepare(self, recipe):
        """In the runner's thread: whatever takes time before the first step."""
        network = cached_network(recipe.network, recipe.pooling)
        return recipe.prepare(network, keep_every=max(1, recipe.steps // ANIMATION_FRAMES))

    def _step(self, run, step):
        if run is self.current:  # after a reset, a step may still have been under way
            self.display.show(run, step)

    def _turned(self, control):
        """A control has changed: α/β reaches the run under way, everything else the next one."""
        control.complain("")
        if control.name == "alpha_beta" and self.runner is not None and self.runner.active:
            if control.check({}):
                self.runner.between_steps(functools.partial(self._change, control.value))
        else:
            self._show_code(self.chosen_quietly())
            self._show_recorded()

    def _show_recorded(self):
        """The recorded run of what is chosen, if there is one."""
        recorded = self.recording and self.recording.find(self.chosen_quietly())
        if recorded:
            self.runner = None  # what is saved shall be what is shown
            self.saving.enable(False)
            self.display.clear()
            self.display.hold(recorded.frames, f"Recorded: {recorded.made}. Run computes it here.", "Recorded step")

    def _change(self, alpha_beta, run):
        """In the runner's thread, between two steps."""
        change_alpha_beta(run, alpha_beta)
        if run is self.current:
            changes = {**dict(self._cooked.changes), run.number: alpha_beta}
            self._cooked = dataclasses.replace(self._cooked, changes=tuple(sorted(changes.items())))
            self._reflect()

    def _reflect(self, runner=None):
        """Buttons, controls and the line of state follow the runner's state."""
        if runner is not None and runner is not self.runner:  # one that was reset ends a little later
            return
        runner = self.runner
        state = READY if runner is None else runner.state
        active = state in (PREPARING, RUNNING, PAUSED)
        for name, control in self.controls.items():
            control.enable(not active or name == "alpha_beta")
        self.buttons["run"].disabled = active
        self.buttons["pause"].disabled = state not in (RUNNING, PAUSED)
        self.buttons["pause"].description = "Resume" if state == PAUSED else "Pause"
        self.buttons["pause"].icon = "play" if state == PAUSED else "pause"
        self.buttons["stop"].disabled = not active
        run = None if runner is None else runner.run
        self.saving.enable(run is not None and state != RUNNING)
        if state in WORDS:
            self.display.say(WORDS[state])
        if state in (RUNNING, PAUSED):
            self.display.show(run, force=True)
        if state == PAUSED:
            self.display.say(f"{WORDS[PAUSED]} Step {run.number} of {run.steps}.")
        if state in (FINISHED, STOPPED) and run is not None:
            self.display.show(run, force=True)
            frames = {number: to_jpeg(picture) for number, picture in kept_frames(run).items()}
            self.display.hold(frames, f"Computed here: {run.describe()}.")
            self.display.say(progress(run))
        if state == FAILED:
            self._explain(runner.error)
        self._show_code(self._cooked if runner is not None else self.chosen_quietly())

    def _explain(self, error):
        text = str(error) if isinstance(error, InputError) else f"The run broke off ({type(error).__name__}: {error})."
        self.display.say(f"⚠ {text}")

    def chosen_quietly(self):
        """What the controls say, not checked."""
        return dataclasses.replace(self.recipe, **{name: one.value for name, one in self.controls.items()})

    def _show_code(self, recipe):
        self.code.value = f"<p>The same in Python:</p><pre>{html.escape(recipe.code())}</pre>"

    def _register(self):
        """Run again, a cell ends what it showed before."""
        cell, execution = _cell()
        if cell is not None:
            made_by, studios = _open.get(cell, (None, []))
            if made_by != execution:
                for old in studios:
                    old.close()
                studios = []
            _open[cell] = execution, [*studios, self]


def panel(name, network=None, folder="recordings"):
    """A notebook's live panel, see `stylelib.panels`: its knobs, and its recording from `folder`.

    network: the name of the one to compute with. Size and steps are the preset's.
    """
    chosen = PANELS[check_choice("panel", name, PANELS)]
    recipe = dataclasses.replace(chosen.recipe, size=preset().size, steps=preset().steps)
    if network is not None:
        recipe = dataclasses.replace(recipe, network=network)
    path = pathlib.Path(folder) / f"{name}.zip"
    return Studio(recipe, chosen.knobs, chosen.title, recordings.load(path) if path.exists() else None)


def _inside(box):
    """All widgets inside a box, and inside the boxes in it."""
    for widget in box.children:
        yield widget
        yield from _inside(widget) if isinstance(widget, ipywidgets.Box) else ()


def _cell():
    """What names the cell that is being run, where the front end tells, and this execution of it; else None twice."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    request = kernel.get_parent() if kernel else {}
    return request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")


def _stylesheet():
    return ipywidgets.HTML(
        "<style>.stylelib-complaint{margin-left:10.3em;max-width:24em;line-height:1.3}"
        ".stylelib-complaint .widget-html-content,.stylelib-status .widget-html-content{white-space:normal;"
        "line-height:1.35;height:auto}.stylelib-code pre{white-space:pre-wrap;max-width:30em;font-size:11px;"
        "line-height:1.35;margin:0}.stylelib-code p{margin:0}</style>"
    )
