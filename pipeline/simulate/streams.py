"""Which random stream feeds what, so that drawing more of one thing changes nothing else."""

from enum import IntEnum

import numpy as np

UNIVERSE = 2**32 - 1  # stands where a study's number would


class Stream(IntEnum):
    """The separate streams of the universe and of each study."""

    GENES = 1
    TISSUES = 2
    PROGRAMS = 3
    SIGNATURES = 4
    TERMS = 5
    LAYOUT = 11
    EFFECTS = 12
    PROFILE = 13
    COUNTS = 14
    SAMPLES = 15
    STATISTICS = 16
    MIRROR = 17
    METADATA = 21


def make_generator(seed: int, key: int, stream: Stream) -> np.random.Generator:
    """Generator of one stream of study number `key`, or of the universe (`key=UNIVERSE`)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, key, int(stream)])))
