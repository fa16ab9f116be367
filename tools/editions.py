"""Write the editions of the series for a class: python tools/editions.py OUT

OUT/student and OUT/student.zip hold the notebooks without solutions, OUT/teacher and OUT/teacher.zip the same with
solutions and notes. OUT/course is the exercises as a course for nbgrader. docs/teaching/README.md says how to use them.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from tools.teaching import course, files, student, teacher

BUILDERS = {"student": student.build, "teacher": teacher.build, "course": course.build}
ZIPPED = ("student", "teacher")


def build(out: pathlib.Path) -> None:
    """Write all editions; what this tool wrote before is replaced."""
    for name, write in BUILDERS.items():
        folder = files.empty(out / name)
        write(folder)
        print(folder, flush=True)
        if name in ZIPPED:
            path = files.pack(folder)
            print(f"{path}, {path.stat().st_size / 1e6:.1f} MB", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path, help="the folder to write")
    build(parser.parse_args().out)


if __name__ == "__main__":
    main()
