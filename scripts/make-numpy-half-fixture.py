"""Writes test/fixtures/half.json: what NumPy rounds f32 numbers of every exponent to in float16, as bits.

    python3 scripts/make-numpy-half-fixture.py

The inputs are the words of a linear congruential generator, which the test runs too, with the exponent moved to where halves
round, overflow or become subnormal.
"""

import base64
import json

import numpy as np

COUNT = 2049
state, words = 1, []
for _ in range(COUNT):
    state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    # Exponents 96 to 159: from 2^-31 to 2^32.
    words.append((state & 0x807FFFFF) | ((96 + ((state >> 23) & 63)) << 23))
halves = np.array(words, np.uint32).view(np.float32).astype(np.float16).view(np.uint16)
with open("test/fixtures/half.json", "w") as file:
    json.dump({"count": COUNT, "halves": base64.b64encode(halves.astype("<u2").tobytes()).decode()}, file)
    file.write("\n")
