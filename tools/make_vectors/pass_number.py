"""The pass number, written a second time from the spec."""

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def gf32_product(a: int, b: int) -> int:
    """Multiply two polynomials over GF(2) and reduce by x^5 + x^2 + 1."""
    product = 0
    for shift in range(5):
        product ^= (a << shift) * (b >> shift & 1)
    for degree in range(8, 4, -1):
        if product >> degree & 1:
            product ^= 0b100101 << degree - 5
    return product


def pass_number(day: int, index: int) -> str:
    """Write a pass number; the check symbol is the sum of symbol times weight, the weights being x^8 down to x."""
    value = day % 1024 << 30 | index
    symbols = [value >> shift & 31 for shift in range(35, -5, -5)]
    weights = [2]
    while len(weights) < 8:
        weights.insert(0, gf32_product(weights[0], 2))
    check = 0
    for symbol, weight in zip(symbols, weights, strict=True):
        check ^= gf32_product(symbol, weight)
    text = "".join(SYMBOLS[symbol] for symbol in [*symbols, check])
    return f"{text[:3]}-{text[3:6]}-{text[6:]}"
