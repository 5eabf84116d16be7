"""Chromium starts headless; where it is missing it is installed, or the error says what to do."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from devstack import ProgramNotFound, chromium, playwright_browser, playwright_chromium
from devstack.cli import main
from devstack.playwright_browser import driver_environment

# Stand-ins for Debian's tools, with the output that matters of the real ones.
APT_GET = """\
#!/bin/sh
echo "$@" >> {log}
case "$*" in
*--simulate*) printf 'Inst libnss3 (2:3.87 Debian [amd64])\\nInst chromium (156.0 Debian)\\n' ;;
*download*) touch libnss3_3.87_amd64.deb chromium_156.0_amd64.deb ;;
*update*) {update} ;;
esac
"""
DPKG_DEB = """\
#!/bin/sh
case "$2" in
*chromium*) mkdir -p "$3/usr/lib/chromium"; cp {program} "$3/usr/lib/chromium/chromium" ;;
*) mkdir -p "$3/usr/lib/x86_64-linux-gnu/nss"; touch "$3/usr/lib/x86_64-linux-gnu/nss/libsoft.so"
esac
"""


def write_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH without a browser; returns its one folder of programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "mkdir", "cp", "touch"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install_fake_apt(folder: Path, update: str = ":") -> Path:
    log = folder.parent / "apt.log"
    browser = write_program(folder.parent / "browser", '#!/bin/sh\necho "Chromium 156 $HELLO"\n')
    write_program(folder / "apt-get", APT_GET.format(log=log, update=update))
    write_program(folder / "dpkg-deb", DPKG_DEB.format(program=browser))
    return log


def test_it_renders_a_page_without_a_screen(tmp_path: Path) -> None:
    found = chromium()
    page = tmp_path / "page.html"
    page.write_text("<title>t</title><script>document.title = 6 * 7</script>")
    done = subprocess.run(
        [
            *(found.executable, *found.flags, f"--user-data-dir={tmp_path / 'profile'}"),
            *("--dump-dom", page.as_uri()),
        ],
        env=found.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "<title>42</title>" in done.stdout, done.stderr


def test_the_command_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["browser"]) == 0
    assert "chrom" in capsys.readouterr().out.lower()


def test_without_root_the_packages_are_unpacked_once(
    no_browser: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = install_fake_apt(no_browser)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    cache = tmp_path / "cache"
    found = chromium(cache)

    assert found.executable == cache / "root/usr/lib/chromium/chromium"
    assert found.version().startswith("Chromium 156")
    libraries = found.extra_environment["LD_LIBRARY_PATH"].split(":")
    assert str(cache / "root/usr/lib/x86_64-linux-gnu/nss") in libraries
    assert str(cache / "root/usr/share/fonts") in (cache / "root/fonts.conf").read_text()
    [update, simulate, download] = log.read_text().splitlines()
    assert update.endswith("update")
    assert simulate.endswith("--simulate --no-install-recommends install chromium")
    assert download.endswith("download libnss3 chromium")
    assert f"Dir::State::lists={cache / 'apt/lists'}" in download

    assert chromium(cache) == found
    assert len(log.read_text().splitlines()) == 3


def test_root_installs_the_package(
    no_browser: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = install_fake_apt(no_browser, update=f"cp {tmp_path / 'browser'} {no_browser}/chromium")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert chromium(tmp_path / "cache").executable == no_browser / "chromium"
    assert (
        log.read_text().splitlines()[-1].endswith("install --yes --no-install-recommends chromium")
    )


def test_a_failing_apt_is_quoted(no_browser: Path, tmp_path: Path) -> None:
    install_fake_apt(no_browser, update="echo 'E: no such mirror' >&2; exit 100")
    with pytest.raises(ProgramNotFound, match=r"(?s)apt-get.*E: no such mirror.*set CHROMIUM"):
        chromium(tmp_path / "cache")


@pytest.mark.usefixtures("no_browser")
def test_no_apt_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProgramNotFound, match=r"(?s)no apt-get.*set CHROMIUM"):
        chromium(tmp_path / "cache")


def test_a_chosen_browser_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(ProgramNotFound, match="/nowhere/chromium, which does not exist"):
        chromium()


# Playwright's Node.js on a machine without libatomic, as the dynamic linker words it.
NODE = """\
#!/bin/sh
case ":$LD_LIBRARY_PATH" in *nss*) exit 0 ;; esac
echo "node: error while loading shared libraries: {library}: cannot open shared object" >&2
exit 127
"""


@pytest.fixture
def fake_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    node = write_program(tmp_path / "node", NODE.format(library="libatomic.so.1"))
    monkeypatch.setattr(playwright_browser, "driver_program", lambda: node)
    return node


def test_playwright_drives_it(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>Shoes</h1>")
    with playwright_chromium() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        assert page.get_by_role("heading").inner_text() == "Shoes"


def test_a_driver_that_starts_needs_nothing(tmp_path: Path, fake_node: Path) -> None:
    write_program(fake_node, "#!/bin/sh\n")
    assert driver_environment(tmp_path / "cache") == {}


@pytest.mark.usefixtures("fake_node")
def test_the_drivers_library_is_unpacked_once(
    no_browser: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = install_fake_apt(no_browser)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    cache = tmp_path / "cache"
    expected = {"LD_LIBRARY_PATH": str(cache / "root/usr/lib/x86_64-linux-gnu/nss")}

    assert driver_environment(cache) == expected
    assert "--no-install-recommends install libatomic1" in log.read_text()
    asked = log.read_text()
    assert driver_environment(cache) == expected
    assert log.read_text() == asked


@pytest.mark.usefixtures("no_browser")
def test_another_missing_library_is_named(tmp_path: Path, fake_node: Path) -> None:
    write_program(fake_node, NODE.format(library="libodd.so.3"))
    with pytest.raises(ProgramNotFound, match=r"needs libodd\.so\.3: install it"):
        driver_environment(tmp_path / "cache")
