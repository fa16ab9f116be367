"""The studio: controls, buttons and a display around a run in its own thread.

In a notebook, each of these shows one:

    studio.Studio()                                              # with a control for every value
    studio.Studio(Recipe(steps=50), {"alpha_beta": None})        # with one knob
"""

import dataclasses
import functools
import html
import pathlib
import warnings

import ipywidgets

from stylelib.evaluation.progress import Step
from stylelib.experiments import FIRST_SIZE
from stylelib.figures import Figure, keep_every, kept_frames
from stylelib.images import to_jpeg
from stylelib.paper.recordings import Recording
from stylelib.recipes import Recipe, change_alpha_beta
from stylelib.storage.keeping import Keeper
from stylelib.studio import cells
from stylelib.studio.controls import Knobs, apply_all, make_controls
from stylelib.studio.display import SHARE, Display, Pace, describe_progress
from stylelib.studio.left import KeptRuns
from stylelib.studio.runner import FINISHED, PAUSED, PREPARING, READY, RUNNING, STOPPED, Runner, Stopped
from stylelib.studio.saving import Saving
from stylelib.studio.stills import BoxWithStill, inputs, strip
from stylelib.studio.thumbnails import thumbnails
from stylelib.studio.widgets import Control, close_all, explain, make_button
from stylelib.support import turns
from stylelib.support.errors import InputError
from stylelib.support.fetching import downloads_reported
from stylelib.support.machine import preset
from stylelib.synthesis import Synthesis
from stylelib.weights.networks import cached_network

STYLESHEET = pathlib.Path(__file__).with_name("studio.css")
STATUS = {
    READY: "Ready.",
    PREPARING: "Preparing: loading the network and the pictures …",
    PAUSED: "Paused. α/β can be changed now; Resume continues the run.",
}


class Studio(BoxWithStill):
    """Widgets to set up a run, to watch and steer it, and to save its picture.

    α/β can be changed while the run is active or paused; the run then continues from its current picture. Every other
    change needs a new run.

    Parameters
    ----------
    recipe : Recipe, optional
        The values that the controls start with; the preset's size and steps by default.
    knobs : Mapping or Sequence of str, optional
        The values that can be changed: names, or {name: None} or {name: {label: value}} for a slider with only these
        values; all by default.
    title : str, optional
        A heading.
    recording : Recording, optional
        Its runs are shown for the values that it has, until a run is started.

    Attributes
    ----------
    controls : dict of str to Control
        The controls by name.
    buttons : dict of str to widget
        "run", "pause", "stop", "reset" and "go on", which is shown where a kernel has left a run behind.
    display, saving, code : Display, Saving, widget
        The other parts.
    current_recipe : Recipe
        The recipe of the latest run, with its changes of α/β.
    """

    def __init__(
        self,
        recipe: Recipe | None = None,
        knobs: Knobs | None = None,
        title: str | None = None,
        recording: Recording | None = None,
    ) -> None:
        self.recipe = self.current_recipe = recipe or Recipe(
            size=preset().size, first_size=FIRST_SIZE, steps=preset().steps
        )
        self.recording = recording
        self.runner: Runner | None = None
        self.kept = KeptRuns(self.recipe, list(knobs or ()), title)
        self._pace = Pace(SHARE)
        self.controls = make_controls(self.recipe, knobs)
        for control in self.controls.values():
            control.on_change(self._changed)
        self.display, self.saving, self.code = Display(), Saving(), ipywidgets.HTML()
        self.code.add_class("stylelib-code")
        self.buttons = self._make_buttons()
        button_row = ipywidgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})
        boxes = [control.box for control in self.controls.values()]
        left = ipywidgets.VBox(
            [*boxes, button_row, self.code, self.saving.box], layout={"flex": "1 1 320px", "max_width": "34em"}
        )
        columns = ipywidgets.HBox([left, self.display.box], layout={"flex_flow": "row wrap", "grid_gap": "1em"})
        heading = [ipywidgets.HTML(f"<h3>{html.escape(title)}</h3>")] if title else []
        stylesheet = ipywidgets.HTML(f"<style>{STYLESHEET.read_text()}</style>")
        super().__init__([stylesheet, *heading, columns])
        self._follow_runner()
        self._show_chosen()
        cells.close_earlier(self)
        self._offer_left()

    def run(self) -> "Studio":
        """Start a run with the values of the controls, unless one of them is invalid. Return the studio."""
        if self.runner is not None and self.runner.active:
            return self
        recipe = self.chosen()
        if recipe is None:
            return self
        return self._start(recipe, self.kept.begin(recipe))

    def go_on(self) -> "Studio":
        """Continue the run that a kernel has left behind. Return the studio."""
        taken = None if self.runner is not None and self.runner.active else self.kept.take_over()
        if taken is not None:
            recipe, path, keeper = taken
            for control in self.controls.values():
                control.show(recipe)
            self._start(recipe, keeper, path)
        return self

    def pause(self) -> None:
        """Pause the run after the current step."""
        if self.runner is not None and self.runner.state == RUNNING:
            self.display.say("Pausing after the current step …")
            self.runner.pause()

    def resume(self) -> None:
        """Continue a paused run."""
        if self.runner is not None:
            self.runner.start()

    def stop(self) -> None:
        """End the run after the current step, and keep its picture."""
        if self.runner is not None and self.runner.active:
            if self.current is not None:
                self.display.say("Stopping after the current step …")
            self.runner.stop()

    def reset(self) -> None:
        """End the run, and set every control back to its first value."""
        self.stop()
        self.runner, self.current_recipe = None, self.recipe
        self.kept.forget()
        for control in self.controls.values():
            control.show(self.recipe)
        self._follow_runner()
        self._show_chosen()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run, in a cell that needs its picture.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            Whether the run has ended; False immediately if it is paused.
        """
        return self.runner is None or self.runner.wait(timeout)

    @property
    def current(self) -> Synthesis | None:
        """The run, whether it is active, paused or over; None before the first."""
        return None if self.runner is None else self.runner.run

    @property
    def selection(self) -> Recipe:
        """The recipe that the controls describe, not checked."""
        return apply_all(self.recipe, self.controls)

    def chosen(self) -> Recipe | None:
        """Return the recipe that the controls describe; None if a value is invalid, with a sentence beside it."""
        recipe = self.selection
        valid = [control.check(recipe) for control in self.controls.values()]  # all of them, to complain about each
        if not all(valid) or not self._fits(recipe):
            self.display.say("Not started: see the sentence marked ⚠.")
            return None
        if recipe == self.recipe:
            return recipe
        return dataclasses.replace(recipe, changes=())  # the changes were made in another run

    def close(self) -> None:
        """End the run, and close all widgets, which would keep its pictures in memory."""
        self.stop()
        self.kept.close()
        close_all(self)

    def still(self) -> Figure:
        """Return the recording's pictures, or those that the run starts from."""
        return strip(self.recording) if self.recording else inputs(self.recipe)

    def _make_buttons(self) -> dict[str, ipywidgets.Button]:
        return {
            "run": make_button("Run", "play", "Compute the picture on this machine", self.run, "primary"),
            "pause": make_button("Pause", "pause", "Pause after the current step", self._pause_or_resume),
            "stop": make_button("Stop", "stop", "End the run and keep its picture", self.stop),
            "reset": make_button("Reset", "undo", "End the run and set all controls back", self.reset),
            "go on": make_button("Go on", "forward", "Continue the run that was left", self.go_on, "success"),
        }

    def _start(self, recipe: Recipe, keeper: Keeper, saved: pathlib.Path | None = None) -> "Studio":
        """Start a run in its own thread, or continue a saved one."""
        self.current_recipe = recipe
        self._show_thumbnails(recipe)
        runner = self.runner = Runner(
            lambda: self._prepare(recipe, runner, saved),
            lambda run: keeper.follow(run, recipe.play(run)),
            self._show_step,
            on_change=self._follow_runner,
        )
        self._offer_left()
        runner.start()
        return self

    def _offer_left(self) -> None:
        """Offer the run that a kernel has left behind, if there is one."""
        offered = self.kept.left is not None and self.runner is None
        self.buttons["go on"].layout.display = None if offered else "none"
        if self.kept.left is not None and offered:
            self.display.say(self.kept.left.offer)

    def _pause_or_resume(self) -> None:
        if self.runner is not None and self.runner.state == PAUSED:
            self.resume()
        else:
            self.pause()

    def _fits(self, recipe: Recipe) -> bool:
        """Return whether the values fit together; if not, say why beside the size, which is usually the cause."""
        control = self.controls.get("size") or next(iter(self.controls.values()))
        try:
            with warnings.catch_warnings(record=True) as remarks:
                warnings.simplefilter("always")
                recipe.check()
        except InputError as error:
            control.complain(str(error))
            return False
        control.complain(" ".join(str(remark.message) for remark in remarks))  # about pictures smaller than the size
        return True

    def _prepare(self, recipe: Recipe, runner: Runner, saved: pathlib.Path | None) -> Synthesis:
        """Return the run. The runner's thread calls this, because loading takes time."""
        with downloads_reported(functools.partial(self._show_download, runner)):
            network = cached_network(recipe.network, recipe.pooling)
        if saved is not None:
            return Synthesis.load(saved, networks=[network])
        return recipe.prepare(network, keep_every=keep_every(recipe.steps))

    def _show_download(self, runner: Runner, done: int, total: int) -> None:
        """Show how far a download is, and end it after a stop."""
        if runner.stopping:
            raise Stopped
        self._pace.draw(self.display.say, f"Downloading the network: {done / 1e6:.0f} of {total / 1e6:.0f} MB …")

    def _show_step(self, run: Synthesis, step: Step) -> None:
        if run is self.current:  # after a reset, a step of the earlier run may still end
            self.display.show(run, step)

    def _changed(self, control: Control) -> None:
        """Use a new value: α/β in the current run, every other value in the next one."""
        control.complain("")
        if control.name == "alpha_beta" and self.runner is not None and self.runner.active:
            if control.check(self.selection):
                self.runner.between_steps(functools.partial(self._change_alpha_beta, control.value), "alpha_beta")
        elif self.runner is None or not self.runner.active:
            self._show_code(self.selection)
            self._show_chosen()

    def _change_alpha_beta(self, alpha_beta: float, run: Synthesis) -> None:
        """Change α/β of the current run. The runner's thread calls this between two steps, with the last value."""
        change_alpha_beta(run, alpha_beta)
        if run is self.current:
            changes = {**dict(self.current_recipe.changes), run.number: alpha_beta}
            self.current_recipe = dataclasses.replace(self.current_recipe, changes=tuple(sorted(changes.items())))
            self.kept.keeper.recipe = self.current_recipe
            if self.runner is not None and self.runner.state == PAUSED:
                self._follow_runner()
            else:  # drawn with the next step
                self._show_code(self.current_recipe)

    def _show_chosen(self) -> None:
        """Show the recorded run of the selection, if there is one; before the first run, else its pictures."""
        if self.runner is None:
            self._show_thumbnails(self.selection)
        recorded = self.recording and self.recording.find(self.selection)
        if recorded:
            self.runner = None
            self.saving.offer(None, self.recipe)  # the buttons save only what is shown
            caption = f"Recorded: {recorded.made}. Press Run to compute it here."
            self.display.hold(recorded.frames, caption, "Recorded step")

    def _show_thumbnails(self, recipe: Recipe) -> None:
        """Show the pictures of a recipe, as long as there is no step."""
        self.display.clear(thumbnails(recipe))
        self.display.say(STATUS[READY])

    def _follow_runner(self, runner: Runner | None = None) -> None:
        """Update buttons, controls and display to the runner's state."""
        if runner is not None and runner is not self.runner:  # it belongs to a run that was reset
            return
        if runner is not None and runner.run is not None and runner.state in (PAUSED, FINISHED, STOPPED):
            self.kept.keeper.settle(runner.run)
        state = READY if self.runner is None else self.runner.state
        run = self.current
        self._enable(state)
        self.saving.offer(None if state == RUNNING else run, self.current_recipe)
        if state in STATUS:
            self.display.say(STATUS[state])
        if run is not None and state in (RUNNING, PAUSED, FINISHED, STOPPED):
            self.display.show(run, force=True)
        if run is not None and state == PAUSED:
            self.display.say(f"{STATUS[PAUSED]} Step {run.number} of {run.steps}.")
        if runner is not None and runner.before and state == RUNNING:
            self.display.say(turns.sentence(runner.before))
        if run is not None and state in (FINISHED, STOPPED):
            frames = {number: to_jpeg(picture) for number, picture in kept_frames(run).items()}
            self.display.hold(frames, f"Computed here: {run.describe()}.")
            self.display.say(describe_progress(run))
        if run is None and state == STOPPED:
            self.display.say("Stopped before the first step.")
        if self.runner is not None and self.runner.error is not None:
            self.display.say(f"⚠ {explain(self.runner.error)}")
        self._show_code(self.selection if self.runner is None else self.current_recipe)

    def _enable(self, state: str) -> None:
        active = state in (PREPARING, RUNNING, PAUSED)
        for name, control in self.controls.items():
            control.enable(not active or name == "alpha_beta")
        self.buttons["run"].disabled = active
        self.buttons["pause"].disabled = state not in (RUNNING, PAUSED)
        self.buttons["pause"].description = "Resume" if state == PAUSED else "Pause"
        self.buttons["pause"].icon = "play" if state == PAUSED else "pause"
        self.buttons["stop"].disabled = not active

    def _show_code(self, recipe: Recipe) -> None:
        self.code.value = f"<p>The same in Python:</p><pre>{html.escape(recipe.code())}</pre>"
