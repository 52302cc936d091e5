"""Factors that are crossed, each in a characteristic of its own."""

from pipeline.simulate.metadata.answer import Drawn
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels_of_animals import cell_type, knockout, tissue
from pipeline.simulate.metadata.levels_of_quantity import times
from pipeline.simulate.metadata.levels_of_treatment import any_treatment, drug, infection, stimulus
from pipeline.simulate.metadata.sheet import cross
from pipeline.simulate.metadata.template import Template, unlike_keys
from pipeline.simulate.metadata.templates_plain import told


def crossed_two_by_two(draw: Draw) -> Drawn:
    """Genotype by treatment, or two treatments."""
    first = draw.pick((knockout, knockout, knockout, drug))
    second = draw.pick((drug, stimulus, infection))
    return told(cross(draw, unlike_keys(draw, first, second), high=5).show()).study()


def crossed_two_by_three(draw: Draw) -> Drawn:
    """Two levels of one, three of the other."""
    first = draw.pick((knockout, stimulus))
    factors = unlike_keys(draw, first, lambda d: d.pick((drug, infection))(d, 3))
    return told(cross(draw, draw.shuffled(factors), high=4).show()).study()


def crossed_three_factors(draw: Draw) -> Drawn:
    """Genotype, treatment, and a time, or a tissue within which both are compared."""
    if draw.maybe(0.5):
        factors = unlike_keys(draw, knockout, any_treatment, lambda d: times(d, 2, zero=False))
    else:
        place = draw.pick((tissue, cell_type))
        factors = unlike_keys(draw, knockout, any_treatment, lambda d: place(d, 2).as_stratum())
    return told(cross(draw, factors, high=3).show()).study()


def tissue_atlas(draw: Draw) -> Drawn:
    """Tissues or cell types, and nothing else to compare."""
    place = draw.pick((tissue, tissue, cell_type))
    factor = place(draw, draw.between(2, 7)).as_stratum()
    return told(cross(draw, [factor], high=4).show()).study()


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (crossed_two_by_two, crossed_two_by_three, crossed_three_factors, tissue_atlas)
)
