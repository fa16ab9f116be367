"""Measure the live page in Chromium: what it loads, how soon it shows something, and how fast it computes.

python -m tools.web.measure SITE [--sizes 96,128,256] [--threads 1,2] [--networks compact,compact11] [--steps 12]

SITE is a folder that `python tools/site.py SITE` has written. torch computes the same evaluation in the same sitting,
with as many threads. Use a machine that does nothing else.
"""

import argparse
import functools
import http.server
import pathlib
import shutil
import statistics
import threading
import time

import torch
from playwright.sync_api import Error, sync_playwright

import stylelib
from stylelib.evaluation.evaluator import Evaluator

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Counting(http.server.SimpleHTTPRequestHandler):
    """A server of files that adds up what it sends."""

    sent = 0

    def copyfile(self, source, target):
        data = source.read()
        Counting.sent += len(data)
        target.write(data)

    def log_message(self, *arguments):
        pass


def until(page, condition, seconds=300):
    """Wait for a state of the page's run, and return it with the seconds that it took."""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        try:
            state = page.evaluate("window.styleTransfer") or {}
        except Error:  # the page loads itself again once its service worker is there
            state = {}
        if condition(state):
            return state, time.perf_counter() - began
        page.wait_for_timeout(20)
    raise SystemExit(f"The page did not get on: {state}")


def first_visit(browser, address):
    """Print what a visitor waits for who opens the page and watches its first picture."""
    page = browser.new_page()
    before = Counting.sent
    page.goto(address)
    _, loading = until(page, lambda state: state.get("ready"))
    _, changing = until(page, lambda state: state["step"] >= 1)
    state, painting = until(page, lambda state: state["stopReason"])
    megabytes, size = (Counting.sent - before) / 1e6, state["sizes"][-1]
    print(f"loaded {megabytes:.1f} MB, ready after {loading:.1f} s; first change {changing:.1f} s later")
    print(f"picture ({size} px, {state['steps']} steps) {changing + painting:.1f} s later; {state['backend']}")
    page.close()


def in_page(browser, address, network, size, threads, steps):
    """Return the median milliseconds of an evaluation in the page, and the backend."""
    page = browser.new_page()
    page.goto(f"{address}?network={network}&size={size}&first_size=0&steps={steps}&threads={threads}&run=no")
    until(page, lambda state: state.get("ready") and state["threads"] == threads)
    times = []
    for number in range(1, steps + 1):
        page.get_by_role("button", name="One step").click()
        state, _ = until(page, lambda state, number=number: state["step"] == number)
        times.append(state["millisecondsPerEvaluation"])
    page.close()
    return statistics.median(times[2:]), state["backend"]


def in_torch(network, size, threads, count):
    """Return the median milliseconds of the same evaluation in torch."""
    torch.set_num_threads(threads)
    net = stylelib.load_network(network, device="cpu")
    photo, painting = stylelib.load_image("riverside", size), stylelib.load_image("night_swirls", size)
    evaluate = Evaluator([stylelib.Content(net, photo), stylelib.Style(net, painting)])
    times = []
    for _ in range(count):
        began = time.perf_counter()
        evaluate(photo)
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times[2:])


def main():
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument("--sizes", default="96,128,256")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--networks", default="compact,compact11")
    parser.add_argument("--steps", type=int, default=12)
    options = parser.parse_args()
    handler = functools.partial(Counting, directory=options.site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/live/"
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        first_visit(browser, address)
        print("network    size  threads  page (ms)  torch (ms)")
        for network in options.networks.split(","):
            for size in map(int, options.sizes.split(",")):
                for threads in map(int, options.threads.split(",")):
                    page, backend = in_page(browser, address, network, size, threads, options.steps)
                    reference = in_torch(network, size, threads, options.steps)
                    print(f"{network:9} {size:5} {threads:8} {page:10.0f} {reference:11.0f}  {backend}")
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
