"""The pages in real browsers (tests/service/browser), against a real service whose worker is at work."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.open_world import SECRET, World
from support.sampling import some_of
from support.sites import running_site

from movepass_service.admission import LineSettings
from movepass_service.statistics.open.kept import KeptDays
from movepass_service.statistics.open.publishing import publish

HOUSE = Path(__file__).resolve().parents[3]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.mark.parametrize("views", some_of("the site's languages and colours, for a screen reader", 2, of=4))
def test_the_site_in_chromium(tmp_path: Path, views: int) -> None:
    if not Path(CHROMIUM).exists() or shutil.which("node") is None:
        pytest.skip("needs Chromium and Node.js: apt install chromium nodejs")
    if not (HOUSE / "phone/node_modules/playwright-core").exists():
        pytest.skip("needs the phone's tools: make test-phone brings them")
    with running_site(tmp_path, is_working=True) as site:
        publish(World(4, 1500, days=5), KeptDays.of(site.data), secret=SECRET)
        done = subprocess.run(
            ["node", "--test", "--test-concurrency=1", str(HOUSE / "tests/service/browser/site.test.mjs")],
            env={**os.environ, "SITE": site.origin, "VIEWS": str(views)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_line_in_chromium(tmp_path: Path) -> None:
    if not Path(CHROMIUM).exists() or shutil.which("node") is None:
        pytest.skip("needs Chromium and Node.js: apt install chromium nodejs")
    if not (HOUSE / "phone/node_modules/playwright-core").exists():
        pytest.skip("needs the phone's tools: make test-phone brings them")
    with running_site(tmp_path, line=LineSettings(urgent_per_s=0.1)) as site:
        done = subprocess.run(
            ["node", "--test", "--test-concurrency=1", str(HOUSE / "tests/service/browser/line.test.mjs")],
            env={**os.environ, "SITE": site.origin},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "walks", some_of("walks through the site in three engines, with its script and without", 3, of=6)
)
def test_the_site_in_three_engines(tmp_path: Path, walks: int) -> None:
    if not (HOUSE / "phone/node_modules/.bin/esbuild").exists():
        pytest.skip("needs the phone's tools: make test-phone brings them")
    built = HOUSE / "build/site-test"
    built.mkdir(parents=True, exist_ok=True)
    tools = built / "node_modules"
    if not tools.exists():
        tools.symlink_to(HOUSE / "phone/node_modules")
    bundle = built / "engines.test.mjs"
    esbuild = [str(HOUSE / "phone/node_modules/.bin/esbuild"), str(HOUSE / "tests/service/browser/engines.test.mjs")]
    options = ["--bundle", "--platform=node", "--format=esm", "--packages=external", "--log-level=warning"]
    subprocess.run([*esbuild, *options, f"--outfile={bundle}"], check=True)
    with (
        running_site(tmp_path / "with", is_working=True) as site,
        running_site(tmp_path / "without", is_working=True, has_scripts=False) as bare,
    ):
        environment = {**os.environ, "SITE": site.origin, "SITE_WITHOUT_SCRIPTS": bare.origin, "HOUSE": str(HOUSE)}
        environment["WALKS"] = str(walks)
        done = subprocess.run(
            ["node", "--test", "--test-concurrency=1", str(bundle)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
