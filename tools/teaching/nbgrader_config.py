"""The course's settings for nbgrader. What a setting means: nbgrader --help-all."""

import os

# A submission is run again while it is marked. Small pictures keep that short; pictures of one's own choice are marked
# by reading. STYLELIB_PRESET=laptop in the environment runs them at the size that students see.
os.environ.setdefault("STYLELIB_PRESET", "quick")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"  # a progress bar goes to the error output, and nbgrader gives no points then

c = get_config()  # noqa: F821 - nbgrader provides it
c.CourseDirectory.course_id = "neural_style_transfer"
c.ClearSolutions.code_stub = {"python": ""}  # what to begin with stands above the solution, and stays
c.ClearSolutions.text_stub = "*Write here what you did, what you see, and why.*"
c.Execute.timeout = 300  # seconds for a cell, against loops without an end
