"""Controls for the values of a recipe. Each has a name, and a line of its own for what is wrong with its value."""

import functools
import html

import ipywidgets

from stylelib.images import MIN_SIDE, load_image
from stylelib.initialization import INITIALIZATIONS
from stylelib.protocols.term import check_weight
from stylelib.recipes import PICTURES
from stylelib.support.errors import InputError, check_whole
from stylelib.support.gallery import bundled_images
from stylelib.vgg import LAYOUTS, layer_names
from stylelib.weights.networks import check_layers_by_name
from stylelib.weights.store import find_weights

LAYOUT = {"width": "25em", "max_width": "100%"}
STYLE = {"description_width": "10em"}  # of the labels
BESIDE = {"width": "14.7em", "margin": "0 0 0 10.3em", "max_width": "100%"}  # of what stands below a control
LARGEST_UPLOAD = 50_000_000  # bytes
LARGEST_SIDE = 4096  # pixels: what no large GPU computes is a slip of the hand
LABELS = {
    "content": "Content image",
    "style": "Style image",
    "network": "Network",
    "content_layer": "Content layer",
    "style_layers": "Style layers",
    "alpha_beta": "α/β",
    "init": "Start from",
    "seed": "Seed of the noise",
    "optimizer": "Optimiser",
    "size": "Longer side (pixels)",
    "steps": "Steps",
}


def _check_layers(layers, values):
    check_layers_by_name(values["network"], layers)


def _check_init(init, values):
    if init not in ("noise", *PICTURES[values["kind"]]):
        raise InputError(f"There is no {init} image here to start from; choose another start.")


def _check_size(size, _):
    if check_whole(LABELS["size"], size, MIN_SIDE) > LARGEST_SIDE:
        raise InputError(f"{LABELS['size']} is at most {LARGEST_SIDE}; got {size}.")


CHECKS = {  # called with a control's value and all values of the recipe; each raises an InputError
    "content": lambda source, _: load_image(source),
    "style": lambda source, _: load_image(source),
    "content_layer": _check_layers,
    "style_layers": _check_layers,
    "alpha_beta": lambda number, _: check_weight(number, "the ratio α/β"),
    "init": _check_init,
    "seed": lambda number, _: check_whole(LABELS["seed"], number, 0),
    "size": _check_size,
    "steps": lambda number, _: check_whole(LABELS["steps"], number, 1),
}


class Control:
    """One value of a recipe: `widget` to set it, `box` with the line for complaints, `value`.

    slider: another way to set the same value, below the widget.
    """

    def __init__(self, name, widget, slider=None):
        self.name, self.widget, self.slider = name, widget, slider
        self.complaint = ipywidgets.HTML()
        self.complaint.add_class("stylelib-complaint")
        self.box = ipywidgets.VBox([*filter(None, (self.widget, self.slider)), self.complaint])

    @property
    def value(self):
        return self.widget.value

    def check(self, values):
        """Whether the value will do among the others; if not, a sentence beside the control says why."""
        try:
            if self.name in CHECKS:
                CHECKS[self.name](self.value, values)
        except InputError as error:
            self.complain(str(error))
            return False
        self.complain("")
        return True

    def complain(self, sentence):
        self.complaint.value = f'<span role="alert">⚠ {html.escape(sentence)}</span>' if sentence else ""

    def enable(self, enabled):
        for one in filter(None, (self.widget, self.slider)):
            one.disabled = not enabled

    def set(self, value):
        self.widget.value = value
        self.complain("")

    def on_change(self, function):
        """Call `function(control)` whenever the value changes."""
        self.widget.observe(lambda _: function(self), names="value")


class PictureControl(Control):
    """A bundled picture by its name, or a file of one's own."""

    OWN = "my own picture"

    def __init__(self, name, value):
        self.own = None  # the bytes of the last file that was chosen
        names = list(bundled_images(name))
        names = names if value in names or isinstance(value, bytes) else [value, *names]
        self.menu = ipywidgets.Dropdown(options=names, description=LABELS[name], layout=LAYOUT, style=STYLE)
        self.upload = ipywidgets.FileUpload(
            accept="image/*",
            description=f"Own {name} image",
            tooltip=f"Upload a picture of your own as the {name} image",
            layout={"width": "14.5em", "margin": "2px 2px 2px 10.3em"},
        )
        super().__init__(name, self.menu)
        self.box.children = (self.menu, self.upload, self.complaint)
        self.upload.observe(self._take, names="value")
        if isinstance(value, bytes):
            self._keep(value)
        else:
            self.menu.value = value

    @property
    def value(self):
        return self.own if self.menu.value == self.OWN else self.menu.value

    def enable(self, enabled):
        self.menu.disabled = self.upload.disabled = not enabled

    def set(self, value):
        self._keep(value) if isinstance(value, bytes) else super().set(value)

    def _take(self, change):
        """Keep an uploaded file if it is a picture; else say what is wrong and stay with the picture of before."""
        if not change["new"]:
            return
        (file,) = change["new"]
        data = bytes(file["content"])
        try:
            if len(data) > LARGEST_UPLOAD:
                raise InputError(f"{file['name']} has more than {LARGEST_UPLOAD // 10**6} MB; save a smaller copy.")
            load_image(data)
        except InputError as error:
            self.complain(f"{file['name']}: {error}")
            return
        self.complain("")
        self._keep(data)

    def _keep(self, data):
        self.own = data
        if self.OWN not in self.menu.options:
            self.menu.options = (*self.menu.options, self.OWN)
        if self.menu.value == self.OWN:  # another file: tell it as a change
            self.menu.value = self.menu.options[0]
        self.menu.value = self.OWN


def make_control(name, value, choices=None):
    """The control for one value of a recipe. choices: {label: value}, for a slider with these alone."""
    if choices:
        menu = _menu(name, value, list(choices.items()))
        return Control(name, menu, slider_beside(menu))
    if name in ("content", "style"):
        return PictureControl(name, value)
    if name == "alpha_beta":
        return Control(name, *_alpha_beta(value))
    return Control(name, WIDGETS[name](name, value))


def _menu(name, value, options):
    return ipywidgets.Dropdown(options=options, value=value, description=LABELS[name], layout=LAYOUT, style=STYLE)


def _network(name, value):
    here = [(one if find_weights(one) else f"{one} (has to be downloaded)", one) for one in LAYOUTS]
    return _menu(name, value, here)


def _style_layers(name, value):
    return ipywidgets.SelectMultiple(
        options=layer_names(LAYOUTS["vgg19"]),
        value=value,
        rows=6,
        description=LABELS[name],
        layout=LAYOUT,
        style=STYLE,
    )


def slider_beside(menu):
    """A slider for the options of a menu. The menu has the name that a screen reader says; a slider cannot have one."""
    slider = ipywidgets.SelectionSlider(options=menu.options, index=menu.index, readout=False, layout=BESIDE)
    ipywidgets.link((slider, "index"), (menu, "index"))
    return slider


def _alpha_beta(value):
    """A number, and a slider for the usual ones beside it."""
    text = ipywidgets.FloatText(value=value, description=LABELS["alpha_beta"], layout=LAYOUT, style=STYLE)
    low, high = -3, 2
    start = min(max(value, 10.0**low), 10.0**high)
    slider = ipywidgets.FloatLogSlider(
        value=start, min=low, max=high, step=0.05, readout=False, continuous_update=False, layout=BESIDE
    )

    def to_text(change):
        if abs(change["new"] - text.value) > 0.01 * abs(text.value):  # moved by hand, not by the text
            text.value = float(f"{change['new']:.3g}")

    def to_slider(change):
        if 10.0**low <= change["new"] <= 10.0**high:
            slider.value = change["new"]

    slider.observe(to_text, names="value")
    text.observe(to_slider, names="value")
    return text, slider


def _whole(name, value):
    return ipywidgets.IntText(value=value, description=LABELS[name], layout=LAYOUT, style=STYLE)


WIDGETS = {
    "network": _network,
    "content_layer": functools.partial(_menu, options=layer_names(LAYOUTS["vgg19"])),
    "style_layers": _style_layers,
    "init": functools.partial(_menu, options=INITIALIZATIONS),
    "optimizer": functools.partial(_menu, options=[("L-BFGS, as the paper", "lbfgs"), ("Adam", "adam")]),
    "seed": _whole,
    "size": _whole,
    "steps": _whole,
}
