"""A recipe as Python code."""

from typing import Any

from stylelib.protocols.rebuild import kind_of

EXPERIMENTS = {"transfer": "style_transfer", "content": "reconstruct_content", "style": "reconstruct_style"}
NAMED = {("content", "content_layer"): "layer", ("style", "style_layers"): "layers"}  # the experiment's names for them


def python(recipe: Any) -> str:
    """Return the Python code that makes a recipe's picture; arguments with their default values are left out.

    It needs `import stylelib`. A picture that is given as bytes must be in a variable `content`, `style` or `style_2`.

    Parameters
    ----------
    recipe : Recipe
        Any recipe.

    Returns
    -------
    str
        Lines of Python, without a line break at the end.
    """
    if kind_of(type(recipe)) != "Recipe":
        return f"run = {recipe!r}.finish()"  # its own prepare makes another picture than the experiment
    defaults = type(recipe)(kind=recipe.kind, init="content" if recipe.kind == "transfer" else "noise")
    pictures = {role: _picture(role, source) for role, source in recipe.pictures.items()}
    styles = [text for role, text in pictures.items() if role != "content"]
    arguments = [pictures["content"]] if "content" in pictures else []
    if styles:
        arguments.append(styles[0] if len(styles) == 1 else f"[{', '.join(styles)}]")
    network = repr(recipe.network)
    if recipe.pooling != "avg":
        network = f"stylelib.load_network({network}, pooling={recipe.pooling!r})"
    arguments += [f"network={network}", f"size={recipe.size}", f"steps={recipe.steps}"]
    changes = dict(recipe.changes)
    given = {name: getattr(recipe, name) for name in recipe.values}
    if "alpha_beta" in given:
        given["alpha_beta"] = changes.pop(0, recipe.alpha_beta)
        defaults = type(recipe)(kind=recipe.kind, init=defaults.init, alpha_beta=-1.0)  # always written
    done = ("kind", "content", "style", "network", "pooling", "size", "steps", "changes")
    arguments += [
        f"{NAMED.get((recipe.kind, name), name)}={value!r}"
        for name, value in given.items()
        if name not in done and value != getattr(defaults, name)
    ]
    lines = [f"run = stylelib.{EXPERIMENTS[recipe.kind]}({', '.join(arguments)})"]
    if changes:
        lines = [
            "from stylelib.recipes import change_alpha_beta",
            *lines,
            f"changes = {changes}",
            "for step in run:",
            "    if step.number in changes:",
            "        change_alpha_beta(run, changes[step.number])",
        ]
    return "\n".join([*lines, "run.finish()"])


def _picture(role: str, source: Any) -> str:
    return repr(source) if isinstance(source, str) else role.replace(" ", "_")
