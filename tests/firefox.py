"""Control the Firefox of a Linux distribution, which Playwright cannot, through Marionette.

Marionette is Firefox's own remote control: JSON lists, each after its length, through a socket.
"""

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), "")
PREFERENCES = {
    "marionette.port": 0,  # the system chooses one, and Firefox writes it into the profile
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.proxy.type": 1,  # requests to the network fail
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}
CONSOLE = """
return Services.console.getMessageArray()
  .filter((said) => said instanceof Ci.nsIScriptError && !(said.flags & 1)
    && said.sourceName.startsWith("file:"))
  .map((said) => said.errorMessage);
"""


class Firefox:
    """A window of Firefox; `evaluate` runs in the page."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._count = 0
        self._receive()  # the greeting

    def _receive(self):
        length = b""
        while not length.endswith(b":"):
            letter = self._stream.read(1)
            assert letter, "Firefox has ended"
            length += letter
        return json.loads(self._stream.read(int(length[:-1])))

    def send(self, command: str, **parameters):
        self._count += 1
        text = json.dumps([0, self._count, command, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._receive()
        assert error is None, error
        return result

    def goto(self, url: str) -> None:
        self.send("WebDriver:Navigate", url=url)

    def evaluate(self, expression: str):
        script = "return window.eval(arguments[0])"
        return self.send("WebDriver:ExecuteScript", script=script, args=[expression])["value"]

    def wait_for(self, expression: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"not within {seconds} s: {expression}"
            time.sleep(0.05)

    def click(self, x: float, y: float) -> None:
        steps = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "actions": steps}
        self.send("WebDriver:PerformActions", actions=[mouse])

    def errors(self) -> list[str]:
        """Return the errors so far in pages from the disk."""
        self.send("Marionette:SetContext", value="chrome")
        errors = self.send("WebDriver:ExecuteScript", script=CONSOLE, args=[])["value"]
        self.send("Marionette:SetContext", value="content")
        return errors


@contextmanager
def firefox(folder: Path, wide: int = 1280, high: int = 900):
    """Start Firefox without a screen, with a new profile in this folder, and end it."""
    profile = folder / "firefox"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    size = [f"--width={wide}", f"--height={high}", "--remote-allow-system-access"]
    process = subprocess.Popen(
        [*command, *size], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port = profile / "MarionetteActivePort"
        end = time.monotonic() + 120
        while not (port.exists() and port.read_text().strip()):
            assert process.poll() is None, "Firefox ended"
            assert time.monotonic() < end, "Firefox did not start"
            time.sleep(0.1)
        with socket.create_connection(("127.0.0.1", int(port.read_text())), 300) as connection:
            window = Firefox(connection)
            window.send("WebDriver:NewSession", capabilities={})
            yield window
    finally:
        process.terminate()
        process.wait(60)
