"""The contrasts of the real studies of ../shared/data/studies, written from their metadata before any rule.

Sources: sample tables, series matrices, the headers of the count tables, the columns and names of
published results, and what the papers are known to have compared. `essential` keeps to the conventions of
contrasts (one factor varies; L - 1 against the first level where none is a reference; within cell type or
tissue); what the authors compared beyond them (all pairs, cell types with one another) stands in `beyond`.
"""

from tests.golden.curate.expected import ExpectedStudy


def run(prefix: str, first: int, last: int) -> str:
    """Accessions one after the other."""
    return " ".join(f"{prefix}{i}" for i in range(first, last + 1))


def gsm(short: str) -> str:
    """Accessions of GSE96870 by their last two digits."""
    return " ".join(f"GSM25453{s}" for s in short.split())


def join(*parts: str) -> str:
    """Several groups as one."""
    return " ".join(parts)


# Three coded groups in three batches. The published limma table has B-A, C-A and B-C, with batch in the
# model. None of A, B, C is known to be a control. `Replicate` numbers the samples of a group and is no
# block; `Label` is the name.
CCBR = ExpectedStudy(
    study="CCBR_nidap",
    metadata="samples.tsv: Group, Replicate, Batch, Label",
    words="B and C each against A, in either direction; C against B on request; batch in the model",
    groups={"A": "A1 A2 A3", "B": "B1 B2 B3", "C": "C1 C2 C3"},
    essential=(("B", "A", "?"), ("C", "A", "?")),
    beyond=(("B", "C", "?"),),
    covariates=frozenset({"Batch"}),
)

# Columns WT, Het, GhKO; results het_vs_wt and ghko_vs_wt. In ghko_vs_wt Grn falls fourfold, in het_vs_wt
# to two thirds: wild type is the reference. (ghkoHet_vs_wt fits no pooling of these columns; its samples
# are not here.)
WT, HET, GHKO = "WT1 WT2 WT3 WT4 WT5", "Het1 Het2 Het3 Het4", "GhKO1 GhKO2 GhKO3 GhKO4"
GRN = ExpectedStudy(
    study="GRN_Leavitt",
    metadata="column names: WT4, Het2, GhKO2, ...",
    words="Het and GhKO each against WT; GhKO against Het may be given, in either direction",
    groups={"WT": WT, "Het": HET, "GhKO": GHKO},
    essential=(("Het", "WT"), ("GhKO", "WT")),
    acceptable=(("GhKO", "Het", "?"),),
)

# Sepsis (PCI) against sham at 3 and 20 days, microglia (isolated brain CD11b cells); age and tissue are
# constant.
SAE_20 = {"PCI.20": "73496 73497 73519", "sham.20": "73494 73510 73511"}
SAE_3 = {
    "PCI.3": "SEK00_74272 SEK00_74275 SEK00_74281 SEK00_74286",
    "sham.3": "SEK00_74250 SEK00_74271 SEK00_74274 SEK00_74290",
}
SAE_ORDER = "73494 73496 73497 73510 73511 73519 " + " ".join(
    f"SEK00_{i}" for i in (74250, 74271, 74272, 74274, 74275, 74281, 74286, 74290)
)
SAE = ExpectedStudy(
    study="GSE198862",
    metadata="samples.tsv: a GEO table; treatment:ch1 (sham, PCI), time:ch1 (3 days, 20 days)",
    words="PCI against sham at each time; 20 days against 3 days within either may be given, not"
    " the other way round",
    groups={
        **SAE_20,
        **SAE_3,
        "PCI": join(SAE_20["PCI.20"], SAE_3["PCI.3"]),
        "sham": join(SAE_20["sham.20"], SAE_3["sham.3"]),
    },
    essential=(("PCI.3", "sham.3"), ("PCI.20", "sham.20")),
    acceptable=(("PCI.20", "PCI.3"), ("sham.20", "sham.3")),
    wrong=(("PCI", "sham"),),  # pools two times that have different numbers of both
    aliases=dict(zip(run("GSM", 5958212, 5958225).split(), SAE_ORDER.split(), strict=True)),
)

# 45 mice with oral tumours, bled on days 4, 9, 17, 24 under anti-PD-1. The only factor, responder or
# not, is in the second row of descriptions; day and mouse only in the title (`1_D4_7201`). The paper
# looks for what tells responders early, so at each day; over the days together is as good where the
# mouse is a block. Mouse 7203 is called a responder on day 17 only, surely by mistake: the table is
# taken at its word. Non-responders are nearer to a reference, but neither is a control.
LIBIO = {
    "R.4": run("GSM", 9043763, 9043777),
    "NR.4": run("GSM", 9043778, 9043806),
    "R.9": run("GSM", 9043807, 9043821),
    "NR.9": run("GSM", 9043822, 9043851),
    "R.17": run("GSM", 9043852, 9043866),
    "NR.17": run("GSM", 9043867, 9043895),
    "R.24": run("GSM", 9043896, 9043910),
    "NR.24": run("GSM", 9043911, 9043940),
}
DAYS = ("4", "9", "17", "24")
RESPONSE = ExpectedStudy(
    study="GSE299686_meta",
    metadata="series matrix: second !Sample_description (Responder, NonResponder); title "
    "SERIAL_DAY_MOUSE",
    words="responder against non-responder at each day or over all days, in either direction; "
    "later days against "
    "day 4 within responders or non-responders, or over both, may be given",
    groups={
        **LIBIO,
        "R": join(*(LIBIO[f"R.{d}"] for d in DAYS)),
        "NR": join(*(LIBIO[f"NR.{d}"] for d in DAYS)),
        **{f"both.{d}": join(LIBIO[f"R.{d}"], LIBIO[f"NR.{d}"]) for d in DAYS},
    },
    essential=tuple((f"R.{d}", f"NR.{d}", "?") for d in DAYS),
    instead=((("R", "NR", "?"),),),
    acceptable=tuple((f"{g}.{d}", f"{g}.4") for g in ("R", "NR", "both") for d in DAYS[1:]),
)

# Luminal and basal cells of the mammary gland, virgin, 18.5 days pregnant, 2 days lactating; two mice
# each. The paper and its title compare lactating with pregnant within each cell type; the limma
# reference compares the cell types over all stages. Virgin is the reference of the stage.
MAMMARY = {
    "luminal.virgin": "MCL1-LA MCL1-LB",
    "luminal.pregnant": "MCL1-LC MCL1-LD",
    "luminal.lactate": "MCL1-LE MCL1-LF",
    "basal.virgin": "MCL1-DG MCL1-DH",
    "basal.pregnant": "MCL1-DI MCL1-DJ",
    "basal.lactate": "MCL1-DK MCL1-DL",
}
CELLS_OF_GLAND = ("luminal", "basal")
GLAND = ExpectedStudy(
    study="GSE60450",
    metadata="samples.tsv: immunophenotype, developmental_stage, group (both joined); or the series"
    " matrix",
    words="pregnant and lactating against virgin within each cell type; lactating against "
    "pregnant on request; "
    "luminal and basal at one stage, or over all, may be compared in either direction",
    groups={
        **MAMMARY,
        **{c: join(*(v for k, v in MAMMARY.items() if k.startswith(c))) for c in CELLS_OF_GLAND},
    },
    essential=tuple(
        (f"{cell}.{stage}", f"{cell}.virgin")
        for cell in CELLS_OF_GLAND
        for stage in ("pregnant", "lactate")
    ),
    beyond=(
        *((f"{cell}.lactate", f"{cell}.pregnant") for cell in CELLS_OF_GLAND),
        ("luminal", "basal", "?"),
    ),
    acceptable=tuple(
        (f"luminal.{stage}", f"basal.{stage}", "?") for stage in ("virgin", "pregnant", "lactate")
    ),
    aliases=dict(
        zip(run("GSM", 1480291, 1480302).split(), join(*MAMMARY.values()).split(), strict=True)
    ),
)

# Sorted epithelial cells: basal, luminal progenitor (LP), mature luminal (ML). The workflow compares
# Basal with LP, Basal with ML and LP with ML, with the lane in the model; lib.size and norm.factors are
# numbers of the analysis.
SORTED = ExpectedStudy(
    study="GSE63310",
    metadata="samples.tsv: files, group, lib.size, norm.factors, lane; joined by `files` "
    "(GSM..._name.txt)",
    words="LP and ML each against Basal, in either direction; ML against LP on request; lane in "
    "the model",
    groups={
        "Basal": "GSM1545538 GSM1545539 GSM1545542",
        "LP": "GSM1545535 GSM1545541 GSM1545545",
        "ML": "GSM1545536 GSM1545540 GSM1545544",
    },
    essential=(("LP", "Basal", "?"), ("ML", "Basal", "?")),
    beyond=(("LP", "ML", "?"),),
    covariates=frozenset({"lane"}),
    aliases={
        "10_6_5_11": "GSM1545535",
        "9_6_5_11": "GSM1545536",
        "purep53": "GSM1545538",
        "JMS8-2": "GSM1545539",
        "JMS8-3": "GSM1545540",
        "JMS8-4": "GSM1545541",
        "JMS8-5": "GSM1545542",
        "JMS9-P7c": "GSM1545544",
        "JMS9-P8c": "GSM1545545",
    },
)

# B cells with p53 and without, irradiated (IR) or mock. `p53` stands for wild type, `null` for the
# knock-out: someone who does not see that may compare the genotypes in either direction, but a knock-out
# as the reference is wrong. The first published comparison follows IR against mock with p53; the others
# fit none of the four groups.
IRRADIATED = ExpectedStudy(
    study="GSE71176",
    metadata="column names: p53_mock_1, p53_IR_1, null_mock_1, null_IR_1, ...",
    words="IR against mock within each genotype; null against p53 within mock and within IR, p53"
    " being the wild type",
    groups={
        "p53.mock": "p53_mock_1 p53_mock_2 p53_mock_3 p53_mock_4",
        "p53.IR": "p53_IR_1 p53_IR_2 p53_IR_3 p53_IR_4",
        "null.mock": "null_mock_1 null_mock_2",
        "null.IR": "null_IR_1 null_IR_2",
    },
    essential=(("p53.IR", "p53.mock"), ("null.IR", "null.mock")),
    acceptable=(("null.mock", "p53.mock"), ("null.IR", "p53.IR")),
)

# Influenza in the nose, and the brain: not infected at day 0, infected at days 4 and 8, both sexes; all
# C57BL/6 of 8 weeks. The control is there at day 0 only, so infection and time are one factor. The
# lesson has sex in the model, and also compares the sexes at one day.
CEREBELLUM = {
    "cerebellum.F.0": gsm("37 38 48 53"),
    "cerebellum.M.0": gsm("43 49 54"),
    "cerebellum.F.4": gsm("39 44 52 62"),
    "cerebellum.M.4": gsm("40 45 50 63"),
    "cerebellum.F.8": gsm("36 42 51 80"),
    "cerebellum.M.8": gsm("41 46 47"),
}
SPINAL = {
    "spinal.F.0": gsm("58 64 65 66"),
    "spinal.M.0": gsm("56 57 61 67"),
    "spinal.F.4": gsm("71 75 76 77"),
    "spinal.M.4": gsm("55 68 69 73"),
    "spinal.F.8": gsm("59 70 74"),
    "spinal.M.8": gsm("60 72 78 79"),
}


def both_sexes(tissue: str, parts: dict[str, str]) -> dict[str, str]:
    """The days of a tissue, over the sexes."""
    return {
        f"{tissue}.{d}": join(parts[f"{tissue}.F.{d}"], parts[f"{tissue}.M.{d}"]) for d in "048"
    }


def within_sex(tissue: str) -> tuple[tuple[str, str] | tuple[str, str, str], ...]:
    """Days within one sex, sexes within one day, and day 8 against day 4."""
    days = tuple(
        (f"{tissue}.{s}.{test}", f"{tissue}.{s}.{reference}")
        for s in "FM"
        for test, reference in (("4", "0"), ("8", "0"), ("8", "4"))
    )
    sexes = tuple((f"{tissue}.M.{d}", f"{tissue}.F.{d}", "?") for d in "048")
    return (*days, *sexes, (f"{tissue}.8", f"{tissue}.4"))


INFLUENZA = ExpectedStudy(
    study="GSE96870",
    metadata="samples.tsv: infection (NonInfected, InfluenzaA), time (Day0, Day4, Day8), sex, "
    "mouse; cerebellum only",
    words="days 4 and 8 of infection each against the uninfected of day 0; day 8 against day "
    "4, the same within one "
    "sex, and the sexes at one day may be given; sex in the model where it is no factor",
    groups={
        **CEREBELLUM,
        **both_sexes("cerebellum", CEREBELLUM),
        "infected": join(*(v for k, v in CEREBELLUM.items() if not k.endswith("0"))),
    },
    essential=(("cerebellum.4", "cerebellum.0"), ("cerebellum.8", "cerebellum.0")),
    acceptable=within_sex("cerebellum"),
    wrong=(("infected", "cerebellum.0"),),  # pools two days
    covariates=frozenset({"sex"}),
)
# The same mice, two tissues each; the mouse is nested in the day, and crossed with the tissue.
INFLUENZA_ALL = ExpectedStudy(
    study="GSE96870:coldata_all",
    metadata="coldata_all.csv: as above, tissue (Cerebellum, Spinalcord), 45 samples",
    words="within each tissue as above; the tissues at one day may be compared in either direction",
    groups={
        **CEREBELLUM,
        **SPINAL,
        **both_sexes("cerebellum", CEREBELLUM),
        **both_sexes("spinal", SPINAL),
    },
    essential=tuple((f"{t}.{d}", f"{t}.0") for t in ("cerebellum", "spinal") for d in "48"),
    acceptable=(
        *within_sex("cerebellum"),
        *within_sex("spinal"),
        *((f"cerebellum.{d}", f"spinal.{d}", "?") for d in "048"),
    ),
    covariates=frozenset({"sex"}),
    optional=frozenset({"mouse"}),
)

# Paneth cells after dextran sulfate sodium or water to drink. Age is given as two texts in changing
# order ("8-12 week old,12 weeks", "10 weeks,8-12 week old"); the isolation dates lie each within one
# agent, and are too many to be a batch.
DSS = ExpectedStudy(
    study="PRJNA481474_DSS",
    metadata="samples.tsv: an SRA run table; agent (Water, DSS); age and rna_isolation_date vary "
    "beside it",
    words="DSS against water, and nothing else",
    groups={"DSS": run("SRR", 7529791, 7529794), "Water": run("SRR", 7529788, 7529790)},
    essential=(("DSS", "Water"),),
    aliases={
        "GSM3280817": "SRR7529789",
        "GSM3280822": "SRR7529792",
        "GSM3280824": "SRR7529793",
        "GSM3280812": "SRR7529788",
        "GSM3280819": "SRR7529790",
        "GSM3280821": "SRR7529791",
        "GSM3280826": "SRR7529794",
    },
)

# Parathyroid hormone against vehicle in control mice: `Con` begins every name and is the genotype.
PTH = ExpectedStudy(
    study="PTH_Alekos2023",
    metadata="samples.tsv: Condition (treatment, control); names Con_PTH_1, Con_Veh_1",
    words="PTH against vehicle",
    groups={
        "PTH": "Con_PTH_1 Con_PTH_2 Con_PTH_3 Con_PTH_4",
        "Veh": "Con_Veh_1 Con_Veh_2 Con_Veh_3 Con_Veh_4",
    },
    essential=(("PTH", "Veh"),),
)

# Names alone, and nowhere said what `yuan` is (perhaps Chinese for "origin"). The two groups are plain,
# the direction is not; nobody can be blamed for refusing.
UNSAID = frozenset({"no_samples_table", "no_factor", "samples_mismatch", "several_factors"})
RAW264 = ExpectedStudy(
    study="RAW264_EV",
    metadata="column names: RAW1, RAW1yuan, RAW2, ...",
    words="RAW..yuan against RAW in either direction, paired by number or not; or a refusal",
    groups={"yuan": "RAW1yuan RAW2yuan RAW3yuan", "RAW": "RAW1 RAW2 RAW3"},
    essential=(("yuan", "RAW", "?"),),
    refusals=UNSAID,
)
SCHWANN = ExpectedStudy(
    study="SchwannC_EV",
    metadata="column names: SC2, SC2yuan, SC3, SC3yuan",
    words="SC..yuan against SC in either direction; or a refusal",
    groups={"yuan": "SC2yuan SC3yuan", "SC": "SC2 SC3"},
    essential=(("yuan", "SC", "?"),),
    refusals=UNSAID,
)

# Classical (C) and non-classical (NC) monocytes of wild-type mice and of two knock-outs; most mice gave
# both. The course compares C with NC within the wild type, with the mouse in the model; the mice were
# made to compare genotypes.
MICE = {
    "WT.C": ("110", "148", "158", "H510", "H514"),
    "WT.NC": ("110", "148", "158", "7532", "H510", "H514"),
    "KOMIR150.C": ("183", "198", "206"),
    "KOMIR150.NC": ("183", "198", "206"),
    "KOTet3.C": ("2670", "7530", "7531"),
    "KOTet3.NC": ("2670", "7530"),
}
MONOCYTES = ExpectedStudy(
    study="UCD_miR150_monocytes",
    metadata="column names: mouse_110_WT_C, mouse_183_KOMIR150_NC, ...",
    words="each knock-out against WT within C and within NC; C and NC within one genotype may "
    "be compared in either "
    "direction; one knock-out against the other may be given",
    groups={
        group: join(*(f"mouse_{m}_{group.replace('.', '_')}" for m in mice))
        for group, mice in MICE.items()
    },
    essential=tuple((f"{ko}.{c}", f"WT.{c}") for ko in ("KOMIR150", "KOTet3") for c in ("C", "NC")),
    beyond=(("WT.C", "WT.NC", "?"),),
    acceptable=(
        ("KOMIR150.C", "KOMIR150.NC", "?"),
        ("KOTet3.C", "KOTet3.NC", "?"),
        ("KOMIR150.C", "KOTet3.C", "?"),
        ("KOMIR150.NC", "KOTet3.NC", "?"),
    ),
    optional=frozenset({"mouse"}),
)

# Human lung fibroblasts, HOXA1 knocked down (HOXA1 falls to a third).
HOXA1 = ExpectedStudy(
    study="human_GSE37704",
    metadata="column names: control_Rep1, hoxa1_Rep1, ...",
    words="hoxa1 against control",
    groups={
        "hoxa1": "hoxa1_Rep1 hoxa1_Rep2 hoxa1_Rep3",
        "control": "control_Rep1 control_Rep2 control_Rep3",
    },
    essential=(("hoxa1", "control"),),
)

# SRR names and nothing else: no study can be made of it. With the table typed in (AIRWAY_TABLE),
# dexamethasone against untreated, the cell line as block: four lines, 8 - 2 - 3 = 3 degrees of freedom
# left.
AIRWAY_BARE = ExpectedStudy(
    study="human_airway_GSE52778",
    metadata="none: column names are SRR accessions",
    words="a refusal",
    groups={},
    essential=(),
    refusals=frozenset({"no_samples_table", "no_factor"}),
)
AIRWAY_TABLE = {  # sample: cell line, treatment
    "SRR1039508": ("N61311", "Untreated"),
    "SRR1039509": ("N61311", "Dexamethasone"),
    "SRR1039512": ("N052611", "Untreated"),
    "SRR1039513": ("N052611", "Dexamethasone"),
    "SRR1039516": ("N080611", "Untreated"),
    "SRR1039517": ("N080611", "Dexamethasone"),
    "SRR1039520": ("N061011", "Untreated"),
    "SRR1039521": ("N061011", "Dexamethasone"),
}
AIRWAY = ExpectedStudy(
    study="human_airway_GSE52778:typed",
    metadata="AIRWAY_TABLE: cell line, treatment",
    words="dexamethasone against untreated, the cell line as block",
    groups={
        what: join(*(s for s, (_, t) in AIRWAY_TABLE.items() if t == what))
        for what in ("Dexamethasone", "Untreated")
    },
    essential=(("Dexamethasone", "Untreated"),),
    blocks=frozenset({"cell line"}),
)

STUDIES: tuple[ExpectedStudy, ...] = (
    CCBR,
    GRN,
    SAE,
    RESPONSE,
    GLAND,
    SORTED,
    IRRADIATED,
    INFLUENZA,
    INFLUENZA_ALL,
    DSS,
    PTH,
    RAW264,
    SCHWANN,
    MONOCYTES,
    HOXA1,
    AIRWAY_BARE,
    AIRWAY,
)
