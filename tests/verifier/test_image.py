"""Pictures: how large one may be, and which of several codes is meant."""

from pathlib import Path

import pytest
from PIL import Image

from movepass_verifier import image
from movepass_verifier.errors import ImageError


@pytest.mark.parametrize(("height", "key"), [(10, "image.no-code"), (11, "image.too-large")])
def test_a_picture_of_more_pixels_than_are_taken_is_not_decoded(
    height: int, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "PIXELS_MAX", 100)
    Image.new("L", (10, height)).save(tmp_path / "picture.png")
    with pytest.raises(ImageError) as caught:
        image.read_qr(tmp_path / "picture.png")
    assert caught.value.why.key == key


@pytest.mark.parametrize(
    ("texts", "chosen"),
    [
        (["MP1:A"], "MP1:A"),
        (["https://example.org", "MP1:A"], "MP1:A"),
        (["MP1:A", "MP1:A"], "MP1:A"),
        (["https://example.org"], "https://example.org"),
        (["MP1:A", "MP1:B"], "image.several"),
        (["a", "b"], "image.several"),
        ([], "image.no-code"),
    ],
)
def test_the_pass_is_the_only_code_or_the_only_one_that_begins_as_a_pass_does(texts: list[str], chosen: str) -> None:
    try:
        found = image.the_pass(texts, "picture.png")
    except ImageError as e:
        found = e.why.key
    assert found == chosen
