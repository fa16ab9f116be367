"""The studio as a web page: `python -m stylelib studio`."""

import io
import json
import os
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

import PIL.Image
import psutil
import pytest

from conftest import free_port, playwright, serving

expect = playwright.expect
# Voilà asks a CDN for the font of its icons, which the page's policy forbids, and tries JupyterLab extensions that are
# not made for it.
HARMLESS = re.compile("Failed to load resource|shared module is not a function|Shared module|Content Security Policy")
SHORT = "from stylelib.studio import page; page.IDLE = 8; import sys; from stylelib.shell import commands; "


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page's address and process. Its unused kernels end after seconds instead of minutes."""
    port, home = free_port(), tmp_path_factory.mktemp("voila")
    command = [sys.executable, "-c", SHORT + "sys.exit(commands.run())", "studio", f"--port={port}"]
    with serving(command, f"http://127.0.0.1:{port}/static/", home, home) as process:
        yield f"http://127.0.0.1:{port}/", process


@pytest.fixture
def address(server):
    return server[0]


def test_the_studio_paints_on_a_page_of_its_own(address, watched, screenshots):
    page = watched.page
    page.goto(address)
    run = page.get_by_role("button", name="Run")
    run.wait_for()
    page.screenshot(path=screenshots / "voila-ready.png")
    assert page.get_by_text("from stylelib").count() == 0, "no code is shown"
    share = page.get_by_label("Second style's share")
    expect(share).to_be_hidden()
    page.get_by_label("Second style image", exact=True).select_option("mosaic")
    expect(share).to_be_visible()
    share.fill("0.3")
    share.press("Tab")
    expect(page.locator(".stylelib-code pre")).to_contain_text("style_weights=(0.7, 0.3)")
    page.screenshot(path=screenshots / "voila-two-styles.png")
    page.get_by_label("Steps").fill("6")
    page.get_by_label("Steps").press("Tab")
    run.click()
    expect(page.locator("[role=status]").first).to_contain_text("all 6 steps are done")
    page.get_by_role("button", name="Save picture").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("my_picture.png")).click()
    assert pathlib.Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    expect(page.get_by_text("Computed here")).to_contain_text("style 2")
    page.screenshot(path=screenshots / "voila-done.png")
    assert [one for one in watched.complaints if not HARMLESS.search(one)] == []


@pytest.fixture
def kernels(server):
    """Find the kernels of this server, without those of a JupyterLab whose tests ran before."""

    def find():
        found = []
        for process in psutil.Process(server[1].pid).children(recursive=True):
            try:
                if "ipykernel_launcher" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                pass
        return found

    return find


def until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.3)


@pytest.mark.fault(22)
def test_a_closed_page_leaves_no_kernel_behind(address, kernels, browser):
    """Whether the browser says goodbye or is simply gone."""
    until(lambda: not kernels())
    pages = []
    for _ in range(2):
        context = browser.new_context()
        pages.append((context, context.new_page()))
        pages[-1][1].goto(address)
        pages[-1][1].get_by_role("button", name="Run").wait_for()
    assert len(kernels()) == 2
    time.sleep(12)
    assert len(kernels()) == 2, "a page that is open keeps its kernel, however long nothing is done"
    pages[0][0].set_offline(True)  # this one cannot say goodbye
    for context, _ in pages:
        context.close()
    urllib.request.urlopen(address, timeout=60).close()  # nor does this visitor, which runs no scripts
    until(lambda: not kernels())


@pytest.mark.fault(9)
def test_visitors_reach_no_file_of_the_server(address):
    """Whatever they ask for: Voilà's own ways to files, and what a browser that was changed could tell the kernel."""
    secret = pathlib.Path(__file__).name
    for path in ("voila.json", "studio.ipynb", "voila/files/voila.json", "voila/files/studio.ipynb", "files/voila.json",
                 f"voila/files/../../{secret}", "voila/files/%2e%2e/%2e%2e/etc/passwd", "voila/render/voila.json",
                 "voila/tree", "api/contents", "api/contents/studio.ipynb", "static/../voila.json", "my_picture.png",
                 "voila/files/my_picture.png", "tree", "api/terminals"):  # fmt: skip
        try:
            with urllib.request.urlopen(address + path, timeout=60) as answer:
                body = answer.read()
        except urllib.error.HTTPError as refused:
            assert refused.code in (400, 403, 404, 405), path
            continue
        assert b"websocket_max_message_size" not in body and b"nbformat" not in body and b"root:" not in body, path


@pytest.mark.fault(9)
def test_visitors_get_downloads_and_no_code_runs_for_them(address, kernels, watched):
    """A message that asks the kernel to run code is refused; a name that is a path is none; nothing is written."""
    page = watched.page
    page.goto(address)
    page.get_by_role("button", name="Run").wait_for()
    expect(page.get_by_label("Content image's path")).to_have_count(0)
    kernel = kernels()[0]
    folder = pathlib.Path(kernel.cwd())
    assert sorted(os.listdir(folder)) == ["studio.ipynb", "voila.json"]
    page.get_by_label("Steps").fill("2")
    page.get_by_label("Steps").press("Tab")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("[role=status]").first).to_contain_text("all 2 steps are done")
    page.get_by_label("Name to save as").fill("../../outside")
    page.get_by_label("Name to save as").press("Tab")
    page.get_by_role("button", name="Save picture").click()
    expect(page.locator("[role=alert]").first).to_contain_text("A file's name has at most 80 characters")
    assert sorted(os.listdir(folder)) == ["studio.ipynb", "voila.json"]
    answer = page.evaluate(RUN_CODE)
    assert answer == "nothing", answer
    assert not (folder / "ran").exists()


# A connection to the page's kernel, which names no protocol and so gets the former one.
SOCKET = """() => {
    const data = JSON.parse(document.getElementById("jupyter-config-data").textContent);
    const url = new URL(`${data.baseUrl || "/"}api/kernels/${data.kernelId}/channels?session_id=x`, location.href);
    url.protocol = "ws:";
    return new WebSocket(url);
}"""
RUN_CODE = (
    f"async () => {{ const socket = ({SOCKET})();"
    + """
    await new Promise((done) => { socket.onopen = done; socket.onerror = done; socket.onclose = done; });
    if (socket.readyState !== WebSocket.OPEN) return `not open: ${socket.url}`;
    const message = {
        header: { msg_id: "1", msg_type: "execute_request", username: "", session: "x", version: "5.3", date: "" },
        parent_header: {}, metadata: {}, channel: "shell", buffers: [],
        content: { code: "open('ran', 'w').close()", silent: false, store_history: false, user_expressions: {} },
    };
    let answer = "nothing";
    socket.onmessage = (event) => {
        if (typeof event.data === "string" && event.data.includes("execute_reply")) answer = event.data;
    };
    socket.send(JSON.stringify(message));
    await new Promise((done) => setTimeout(done, 3000));
    return answer;
}"""
)


@pytest.mark.fault(22)
def test_a_client_of_the_former_protocol_holds_nobody_up(address, watched):
    """Voilà would look for the header of its messages, whose parts are bytes, for ever."""
    page = watched.page
    page.goto(address)
    run = page.get_by_role("button", name="Run")
    run.wait_for()
    assert page.evaluate(FORMER_PROTOCOL) == ""
    page.get_by_label("Steps").fill("2")
    page.get_by_label("Steps").press("Tab")
    run.click()
    expect(page.locator("[role=status]").first).to_contain_text("all 2 steps are done")
    page.reload()
    run.wait_for()


FORMER_PROTOCOL = (
    f"async () => {{ window.former = ({SOCKET})();"
    + """
    await new Promise((done, failed) => { window.former.onopen = done; window.former.onerror = failed; });
    return window.former.protocol;
}"""
)


@pytest.mark.fault(2)
def test_a_large_picture_arrives(address, watched):
    """12 MB, more than a server takes by itself."""
    page, buffer = watched.page, io.BytesIO()
    PIL.Image.effect_noise((2300, 1800), 200).convert("RGB").save(buffer, "JPEG", quality=100, subsampling=0)
    buffer.seek(0, io.SEEK_END)
    buffer.write(b"\0" * max(0, 12_000_000 - buffer.tell()))
    page.goto(address)
    page.get_by_role("button", name="Run").wait_for()
    expect(page.get_by_text("up to 50 MB")).to_have_count(3)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("Own content image")).click()
    chooser.value.set_files({"name": "large.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()})
    expect(page.get_by_label("Content image", exact=True)).to_have_value(re.compile("my own picture"))


def test_the_page_asks_no_other_server(address, browser):
    """No request leaves for elsewhere, not even one that would fail: counted where they are made."""
    context = browser.new_context()
    page, asked = context.new_page(), []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    blocked = []
    session.on("Network.loadingFailed", lambda event: blocked.append(event.get("blockedReason")))
    page.goto(address)
    page.get_by_role("button", name="Run").wait_for()
    page.wait_for_timeout(2000)
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert len(blocked) >= len(outside) and set(blocked[: len(outside)]) <= {"csp"}, json.dumps([outside, blocked])
    context.close()
