"""Draw passes of every kind that claims can hold, for hypothesis."""

from hypothesis import strategies as st

from movepass_wire import Pass, Place, Trip
from movepass_wire.text import normalise
from support.passes import HOUR

_alphabet = st.sampled_from([*map(chr, range(0x20, 0x7F)), *map(chr, range(0x981, 0x9FF)), *"éñ水😀\u0964\u200c\u200d"])
_texts = st.text(_alphabet, min_size=1, max_size=64).map(normalise).filter(lambda text: 0 < len(text) <= 64)
_numbers = st.integers(0, 0xFFFF)
_unknown_values = st.recursive(
    st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.text(_alphabet, max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=2,
)


@st.composite
def passes(draw: st.DrawFn) -> Pass:
    not_before = draw(st.integers(0, (1 << 32) - 12 * HOUR - 1))
    place = st.builds(Place, _numbers, st.none() | _texts)
    trip = Trip(
        not_before=not_before,
        not_after=not_before + draw(st.integers(1, 12 * HOUR)),
        holder_name=draw(_texts),
        id_type=draw(_numbers),
        id_last=draw(_texts),
        origin=draw(place),
        destination=draw(place),
        reason=draw(_numbers | _texts),
        vehicle=draw(st.none() | _texts),
        driver_name=draw(st.none() | _texts),
        driver_licence_last=draw(st.none() | _texts),
        unknown=draw(st.dictionaries(st.integers(10, 1000) | st.integers(-300, -1), _unknown_values, max_size=2)),
    )
    return Pass(draw(st.integers(0, (1 << 30) - 1)), trip)
