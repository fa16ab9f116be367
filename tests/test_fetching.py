"""Files from the internet: several addresses, resumed, verified, limited; each cause has its own advice."""

import hashlib
import re
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from stylelib.support import fetching
from stylelib.support.errors import InputError
from stylelib.support.fetching import RemoteFile, downloads_reported, fetch
from tests.checkpoint_server import PAGE

pytest_plugins = ["tests.checkpoint_server"]
pytestmark = pytest.mark.fault(5)
CONTENT = bytes(range(256)) * 20_000  # 5 MB
SIZE = len(CONTENT)
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY")


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    for name in (*PROXIES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.partial"


def remote(*urls, content=CONTENT, **options):
    digest = "md5:" + hashlib.md5(content).hexdigest()
    return RemoteFile(urls, digest, **{"largest": len(content) + 1000, "size": 5, **options})


def message(file, path):
    with pytest.raises(InputError) as caught:
        fetch(file, path, "the file of the test", "draw it yourself")
    assert "\n" not in str(caught.value) and str(caught.value).startswith(
        "The file of the test could not be downloaded"
    )
    assert str(caught.value).endswith(", or draw it yourself.")
    return str(caught.value)


def cut_after(count, length=SIZE):
    """Send some bytes, then close the connection."""

    def reply(handler):
        handler.send(CONTENT[: handler.start + count], length=length)

    return reply


def reset(handler):
    handler.send(bytes(1000), length=4_000_000)
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no farewell
    handler.connection.close()


def web_page(handler):
    handler.start = 0
    handler.send(PAGE, kind="text/html")


def status(code):
    return lambda handler: handler.send_error(code)


def test_a_file_is_fetched_announced_and_verified(server, path, capsys):
    server.files["/file"] = CONTENT
    fetch(remote(server.url + "/file"), path, "the file of the test", "")
    assert path.read_bytes() == CONTENT
    shown = capsys.readouterr()
    assert f"Downloading the file of the test, once: 5 MB from {server.url}/file" in shown.out
    assert "100%" in shown.err  # the progress bar
    fetch(remote(server.url + "/file"), path, "the file of the test", "")
    assert server.requests == ["/file"], "a file that is complete is not asked for"


def test_a_small_one_is_fetched_in_silence(server, path, capsys):
    server.files["/file"] = CONTENT
    fetch(remote(server.url + "/file", size=0), path, "the file of the test", "")
    assert path.read_bytes() == CONTENT and capsys.readouterr() == ("", "")


# ---- Causes and advice


@pytest.mark.parametrize(
    ("reply", "reason", "advice"),
    [
        (status(403), "403 Forbidden", fetching.REFUSED),
        (None, "404 Not Found", fetching.GONE),
        (status(407), "407 Proxy Authentication Required", fetching.PROXY_LOGIN),
        (status(429), "429 Too Many Requests", fetching.LATER),
        (status(503), "503 Service Unavailable", fetching.LATER),
        (web_page, "a web page came instead of the file", fetching.LOGIN_PAGE),
        (PAGE, "a web page or a text came instead of the file", fetching.LOGIN_PAGE),
        (bytes(5000), r"its MD5 begins with [0-9a-f]{8}, not with [0-9a-f]{8}", fetching.LATER),
        (b"", "its MD5 begins with d41d8cd9", fetching.LATER),
        (cut_after(1000), "IncompleteRead", fetching.CUT),
        (cut_after(1000, length=0), "its MD5 begins with", fetching.LATER),
        (reset, "reset by peer|IncompleteRead", fetching.CUT),
        (bytes(len(CONTENT) + 1001), "is larger than expected, 5,121,000 bytes", fetching.LATER),
    ],
)
def test_advice_follows_from_the_cause(reply, reason, advice, server, path):
    server.files["/file"] = reply
    said = message(remote(server.url + "/file"), path)
    assert f"): {advice}, or draw it yourself." in said
    assert re.search(reason, said)
    assert path.exists() == (advice == fetching.CUT), "only the beginning of the file is kept"


def test_offline_is_told(path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        said = message(remote(f"http://127.0.0.1:{closed.getsockname()[1]}/file"), path)
    assert "refused" in said and f": {fetching.OFFLINE}, or" in said
    said = message(remote("http://no-such-host.invalid/file"), path)
    assert f": {fetching.OFFLINE}, or" in said and said.startswith(
        "The file of the test could not be downloaded (no-such-host.invalid: "
    )


def test_a_server_that_falls_silent_is_given_up_and_what_came_is_kept(server, path, monkeypatch):
    over = threading.Event()

    def silent(handler):
        handler.send(CONTENT[:1000], length=4000)
        over.wait(60)

    server.files["/file"] = silent
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    said = message(remote(server.url + "/file"), path)
    over.set()
    assert "timed out" in said and fetching.SLOW in said and path.stat().st_size in (0, 1000)


@pytest.mark.parametrize("length", [4_000_000, 0], ids=["a known length", "no length"])
@pytest.mark.parametrize("pause", [0.05, 0.15])
def test_a_server_that_sends_drops_is_given_up(length, pause, server, path, monkeypatch):
    over = threading.Event()

    def drip(handler):
        handler.send(b"x", length=length)
        while not over.wait(pause):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    server.files["/file"] = drip
    monkeypatch.setattr(fetching, "TIMEOUT", 0.4)
    said = message(remote(server.url + "/file"), path)
    over.set()
    assert "less than 16 kB came in 0.4 seconds" in said and fetching.SLOW in said


@pytest.mark.parametrize("address", ["our-server/file", "ftp://our-server/file", "http://"])
def test_what_is_no_address_is_told(address, path):
    assert fetching.NO_ADDRESS in message(remote(address), path)


def test_a_proxy_that_wants_a_password_and_one_that_is_away(server, path, monkeypatch):
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", server.url)
    server.files["http://example.invalid/file"] = status(407)
    assert fetching.PROXY_LOGIN in message(remote("http://example.invalid/file"), path)

    monkeypatch.setenv("https_proxy", server.url)
    monkeypatch.setattr(server.RequestHandlerClass, "do_CONNECT", status(407), raising=False)
    assert fetching.PROXY_LOGIN in message(remote("https://example.invalid/file"), path)

    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert fetching.PROXY_AWAY in message(remote("https://example.invalid/file"), path)

    monkeypatch.setenv("http_proxy", server.url)  # a proxy that is set later is used
    server.files["http://example.invalid/file"] = CONTENT
    fetch(remote("http://example.invalid/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT


def test_a_certificate_that_is_not_trusted(server, path, tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=localhost"
    try:
        subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl here, which makes a certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.files["/file"] = CONTENT
    url = server.url.replace("http:", "https:") + "/file"
    said = message(remote(url), path)
    assert "certificate" in said.lower() and fetching.CERTIFICATE in said and "connect to the internet" not in said

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))  # the advice is true
    fetch(remote(url), path, "the file", "")
    assert path.read_bytes() == CONTENT

    path.unlink()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "no.pem"))
    said = message(remote(url), path)
    assert "no.pem" in said and fetching.CERTIFICATE in said


def test_the_reason_is_the_networks_own_also_while_another_error_is_handled(path):
    try:
        raise KeyError("another error")
    except KeyError:
        said = message(remote("http://127.0.0.1:9/file"), path)
    assert "refused" in said and "another error" not in said


# ---- Several addresses


@pytest.mark.parametrize("first", [None, status(503), web_page, bytes(5000), b"", cut_after(1000), reset])
def test_the_second_address_is_tried_when_the_first_fails(first, server, path):
    server.files |= {"/first": first, "/second": CONTENT}
    fetch(remote(server.url + "/first", server.url + "/second"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.requests[0] == "/first" and server.requests[-1] == "/second"


def test_it_is_tried_when_the_first_is_refused_or_hangs(server, path, monkeypatch):
    over = threading.Event()
    server.files |= {"/hangs": lambda _: over.wait(60), "/second": CONTENT}
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    urls = ("http://127.0.0.1:9/file", server.url + "/hangs", server.url + "/second")
    fetch(remote(*urls), path, "the file", "")
    over.set()
    assert path.read_bytes() == CONTENT and server.requests == ["/hangs", "/second"]


def test_when_all_fail_each_is_named_with_its_reason_and_the_advice_is_said_once(server, path):
    server.files |= {"/a": status(503), "/b": status(500)}
    said = message(remote(server.url + "/a", server.url + "/b", server.url + "/c"), path)
    host = server.url.removeprefix("http://")
    assert f"({host}: 503 Service Unavailable; {host}: 500 Internal Server Error; {host}: 404 Not Found): " in said
    assert f": {fetching.LATER}, or {fetching.GONE}, or draw it yourself." in said


# ---- Going on after a cut


def test_a_download_goes_on_where_it_was_cut(server, path, capsys):
    server.files["/file"] = cut_after(800_000)
    assert fetching.CUT in message(remote(server.url + "/file"), path)
    assert 0 < path.stat().st_size <= 800_000
    begun = path.stat().st_size
    server.files["/file"] = CONTENT
    fetch(remote(server.url + "/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.ranges == [0, begun]
    assert "continuing at 1 MB" in capsys.readouterr().out


def test_an_address_that_cuts_again_and_again_is_asked_again_as_long_as_it_helps(server, path):
    server.files["/file"] = cut_after(2 * fetching.ENOUGH)
    fetch(remote(server.url + "/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT and len(server.requests) == 3


def test_another_address_goes_on_with_what_the_first_began(server, path):
    server.files |= {"/first": cut_after(800_000), "/second": CONTENT}
    fetch(remote(server.url + "/first", server.url + "/second"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.ranges[0] == 0 < server.ranges[1]


def test_a_server_without_ranges_starts_anew(server, path):
    path.write_bytes(CONTENT[:1_000_000])
    server.files["/file"], server.knows_ranges = CONTENT, False
    fetch(remote(server.url + "/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.ranges == [1_000_000]


@pytest.mark.parametrize("length", [1000, len(CONTENT), len(CONTENT) + 500])
def test_a_beginning_of_another_file_is_thrown_away(length, server, path):
    path.write_bytes(b"x" * length)
    server.files["/file"] = CONTENT
    fetch(remote(server.url + "/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.ranges == [length, 0]


def test_another_part_than_the_one_asked_for_is_not_appended(server, path):
    def odd(handler):
        handler.start = handler.start and 7
        handler.send(CONTENT)

    path.write_bytes(CONTENT[:1000])
    server.files["/file"] = odd
    fetch(remote(server.url + "/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.ranges == [1000, 0]


def test_a_login_page_does_not_cost_what_is_here(server, path):
    path.write_bytes(CONTENT[:1000])
    server.files["/file"] = web_page
    assert fetching.LOGIN_PAGE in message(remote(server.url + "/file"), path)
    assert path.read_bytes() == CONTENT[:1000]


def test_wrong_content_from_a_server_that_cuts_ends(server, path):
    server.files["/file"] = lambda handler: handler.send(bytes(3 * fetching.ENOUGH), length=0)
    path.write_bytes(b"x" * 1000)
    assert "its MD5 begins with" in message(remote(server.url + "/file"), path)
    assert len(server.requests) == 2 and not path.exists()


# ---- Limits, and following a download


def test_what_never_ends_is_given_up(server, path):
    server.files["/file"] = lambda handler: handler.send(bytes(len(CONTENT) + 10**6), length=0)
    assert "is larger than expected" in message(remote(server.url + "/file"), path)
    assert not path.exists()


def test_a_full_disk_leaves_nothing(server, path):
    resource = pytest.importorskip("resource", reason="a limit on file sizes, to stand for a full disk, needs Unix")
    server.files["/file"] = CONTENT
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            fetch(remote(server.url + "/file"), path, "the file", "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not path.exists()


def test_a_program_can_follow_and_end_a_download_which_goes_on_later(server, path):
    server.files["/file"] = CONTENT
    seen = []

    class Stopped(Exception):
        pass

    def cancel(here, total):
        seen.append((here, total))
        if here > 1_000_000:
            raise Stopped

    with downloads_reported(cancel), pytest.raises(Stopped):
        fetch(remote(server.url + "/file"), path, "the file", "")
    begun = path.stat().st_size
    assert seen[0][0] < begun < len(CONTENT) and {total for _, total in seen} == {len(CONTENT)}
    fetch(remote(server.url + "/file"), path, "the file", "")
    assert path.read_bytes() == CONTENT and server.ranges == [0, begun]
