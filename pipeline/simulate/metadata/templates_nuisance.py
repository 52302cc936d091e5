"""What is known of the samples and is no comparison: sex, batch, day of work, libraries made twice."""

from dataclasses import replace

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import accepting, crossed_truth, enters, refusal
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.sheet import Sheet, cross
from pipeline.simulate.metadata.template import Template
from pipeline.simulate.metadata.templates_plain import any_factor, told
from pipeline.simulate.metadata.titles import replicate_numbers, write_titles

SEX_PAIRS = (
    ("male", "female"),
    ("Male", "Female"),
    ("M", "F"),
    ("m", "f"),
    ("XY", "XX"),
    ("males", "females"),
)
BATCHES = (
    ("1", "2", "3"),
    ("batch 1", "batch 2", "batch 3"),
    ("Batch1", "Batch2", "Batch3"),
    ("B1", "B2", "B3"),
    ("A", "B", "C"),
    ("exp1", "exp2", "exp3"),
    ("I", "II", "III"),
    ("first", "second", "third"),
    ("2016-03", "2016-07", "2017-01"),
    ("run 12", "run 13", "run 17"),
    ("HTC2KBBXX", "H7JNWBBXX", "HKYGTDSXX"),
)


def with_covariate(truth: Truth, sheet: Sheet, column: str) -> Truth:
    """The truth with this column in the model if it can stand there, and not otherwise."""
    if enters(sheet.cells, [[str(v) for v in sheet.columns[column]]]):
        return replace(truth, covariates=frozenset({column}))
    return truth


def sex_covariate(draw: Draw) -> Drawn:
    """Both sexes in each group, as they came."""
    sheet = cross(draw, [any_factor(draw)], low=4, high=8).show()
    pair = draw.pick(SEX_PAIRS)
    ratio = draw.pick((2, 2, 3))
    sexes = [pair[0] if n % ratio else pair[1] for n in sheet.replicate()]
    column = sheet.put_kind("sex", sexes)
    if draw.maybe(0.3):
        parts = [[*p, s[0]] for p, s in zip(sheet.parts(), sexes, strict=True)]
        sheet.title = write_titles(draw, parts)
        sheet.furnish()
    else:
        told(sheet)
    return sheet.study(
        lambda names: with_covariate(
            crossed_truth(names, sheet.cells, sheet.factors), sheet, column
        )
    )


def batch_covariate(draw: Draw) -> Drawn:
    """Two or three batches, each with samples of every group."""
    sheet = cross(draw, [any_factor(draw)], low=3, high=7).show()
    marks = draw.pick(BATCHES)[: draw.pick((2, 2, 3))]
    column = sheet.put_kind("batch", [marks[n % len(marks)] for n in sheet.replicate()])
    told(sheet)
    return sheet.study(
        lambda names: with_covariate(
            crossed_truth(names, sheet.cells, sheet.factors), sheet, column
        )
    )


def technical_replicates(draw: Draw) -> Drawn:
    """Each animal's library two or three times, as samples with one BioSample."""
    factor = any_factor(draw)
    animals, times = draw.between(2, 4), draw.between(2, 3)
    cells = [(level,) for level in (0, 1) for _ in range(animals * times)]
    sheet = Sheet(draw, [factor], cells).show()
    animal = [i // times for i in range(len(cells))]
    start = draw.between(2_000_000, 30_000_000)
    sheet.biosample = [f"SAMN{start + a:08d}" for a in animal]
    bio = [a % animals + 1 for a in animal]
    tech = replicate_numbers(animal)
    style = draw.pick(
        (
            "{t}_rep{b}_tech{n}",
            "{t} biological replicate {b}, technical replicate {n}",
            "{t}_{b}_{n}",
            "{t}_{b}_L00{n}",
            "{t}-{b}, lane {n}",
            "{t} rep{b} (tech rep {n})",
            "{t}{b}_run{n}",
        )
    )
    texts = ["_".join(p) for p in sheet.parts()]
    sheet.title = [style.format(t=t, b=b, n=n) for t, b, n in zip(texts, bio, tech, strict=True)]
    optional = {"biosample"}
    if draw.maybe(0.4):
        key = draw.pick(("technical replicate", "replicate", "lane", "library"))
        sheet.put(key, [str(n) for n in tech])
    if draw.maybe(0.3):
        optional.add(sheet.put_kind("subject", [str(100 + a) for a in animal]))
    sheet.furnish(sparse=True)
    return sheet.study(
        lambda names: replace(crossed_truth(names, cells, [factor]), optional=frozenset(optional))
    )


def dates_of_work(draw: Draw) -> Drawn:
    """The day that each sample was taken: many days, mixed, or each within one group."""
    sheet = cross(draw, [any_factor(draw)], low=3, high=6).show()
    style = draw.pick(
        (
            "{m}/{d}/2017",
            "2019-{m:02d}-{d:02d}",
            "{d}.{m}.2018",
            "{d:02d}-{m:02d}-2020",
            "{m}-{d}-21",
        )
    )
    month = draw.between(1, 12)
    nested = draw.maybe(0.5)
    days = [(10 * c[0] if nested else 0) + 1 + draw.between(0, 3) for c in sheet.cells]
    days[0], days[1] = days[0], (days[0] if nested else days[0] + 1)
    if nested:
        days[2] = days[0] + 1
        days[-1], days[-2] = 11, 12
    else:
        days[-1], days[-2] = days[0], days[0] + 2
    key = draw.pick(
        (
            "isolation date",
            "rna isolation date",
            "collection date",
            "harvest date",
            "date",
            "sacrifice date",
        )
    )
    column = sheet.put(key, [style.format(m=month, d=d) for d in days])
    told(sheet, 0.5)

    def truth(names: list[str]) -> Truth:
        answer = replace(
            crossed_truth(names, sheet.cells, sheet.factors), optional=frozenset({column})
        )
        return accepting(answer, refusal("confounded")) if nested else answer

    return sheet.study(truth)


def mixed_assays(draw: Draw) -> Drawn:
    """Some samples of the series are ChIP-Seq or ATAC-seq, and no comparison has them."""
    factor = any_factor(draw)
    n = draw.between(2, 4)
    cells = [(level,) for level in (0, 1) for _ in range(n)]
    others = [(level,) for level in (0, 1) for _ in range(draw.between(1, 3))]
    sheet = Sheet(draw, [factor], [*cells, *others]).show()
    assay, mark = draw.pick(
        (
            ("ChIP-Seq", "H3K27ac"),
            ("ATAC-seq", "ATAC"),
            ("ChIP-Seq", "input"),
            ("Bisulfite-Seq", "WGBS"),
            ("OTHER", "CUTnRUN"),
        )
    )
    sheet.strategy = ["RNA-Seq"] * len(cells) + [assay] * len(others)
    if draw.maybe(0.4):
        sheet.put("antibody", [None] * len(cells) + [f"{mark} (Abcam)"] * len(others))
    kind = ["RNA"] * len(cells) + [mark] * len(others)
    parts = [[k, *p] for k, p in zip(kind, sheet.parts(), strict=True)]
    sheet.title = write_titles(draw, parts, prefixes=("",))
    table, names = sheet.furnish().finish()
    kept = len(cells)
    return Drawn(
        table=table,
        truth=crossed_truth(names[:kept], cells, [factor]),
        excluded=frozenset(names[kept:]),
    )


TEMPLATES = tuple(
    Template(f.__name__, f)
    for f in (sex_covariate, batch_covariate, technical_replicates, dates_of_work, mixed_assays)
)
