"""All templates, and the study that each number draws from them.

A third of the habits, chosen with `numpy.random.default_rng(4)` from all of their names, is kept apart in
modules `held_out_*` and is looked at last: it measures rules that were made with the others in view.
"""

from collections.abc import Sequence

from pipeline.simulate.metadata.answer import SimulatedMetadata
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.held_out_crossed import TEMPLATES as HELD_OUT_CROSSED
from pipeline.simulate.metadata.held_out_negations import TEMPLATES as HELD_OUT_NEGATIONS
from pipeline.simulate.metadata.held_out_strata import TEMPLATES as HELD_OUT_STRATA
from pipeline.simulate.metadata.held_out_subjects import TEMPLATES as HELD_OUT_SUBJECTS
from pipeline.simulate.metadata.held_out_tables import TEMPLATES as HELD_OUT_TABLES
from pipeline.simulate.metadata.held_out_treatment import TEMPLATES as HELD_OUT_TREATMENT
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_coded import TEMPLATES as CODED
from pipeline.simulate.metadata.templates_crossed import TEMPLATES as CROSSED
from pipeline.simulate.metadata.templates_folder import TEMPLATES as FOLDER
from pipeline.simulate.metadata.templates_genetics import TEMPLATES as GENETICS
from pipeline.simulate.metadata.templates_hidden import TEMPLATES as HIDDEN
from pipeline.simulate.metadata.templates_nuisance import TEMPLATES as NUISANCE
from pipeline.simulate.metadata.templates_plain import TEMPLATES as PLAIN
from pipeline.simulate.metadata.templates_refused import TEMPLATES as REFUSED
from pipeline.simulate.metadata.templates_time import TEMPLATES as TIME
from pipeline.simulate.metadata.templates_time_crossed import TEMPLATES as TIME_CROSSED
from pipeline.simulate.metadata.templates_treatment import TEMPLATES as TREATMENT
from pipeline.simulate.streams import Stream, make_generator

HELD_OUT: tuple[Template, ...] = (
    *HELD_OUT_CROSSED,
    *HELD_OUT_NEGATIONS,
    *HELD_OUT_STRATA,
    *HELD_OUT_SUBJECTS,
    *HELD_OUT_TABLES,
    *HELD_OUT_TREATMENT,
)
OPEN: tuple[Template, ...] = (
    *PLAIN,
    *CODED,
    *HIDDEN,
    *TIME,
    *TIME_CROSSED,
    *CROSSED,
    *GENETICS,
    *TREATMENT,
    *NUISANCE,
    *REFUSED,
    *FOLDER,
)
TEMPLATES = (*OPEN, *HELD_OUT)


def draw_metadata(
    seed: int, number: int, templates: Sequence[Template] = TEMPLATES
) -> SimulatedMetadata:
    """Study `number` of `seed`; the templates take turns, so that a run of numbers has them all."""
    template = templates[number % len(templates)]
    drawn = template.draw(Draw(make_generator(seed, number, Stream.METADATA)))
    return SimulatedMetadata(
        seed=seed,
        number=number,
        template=template.name,
        table=drawn.table,
        truth=drawn.truth,
        excluded=drawn.excluded,
    )
