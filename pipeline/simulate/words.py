"""The wording of experiments: columns, reference levels and levels as submitters write them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FactorKind:
    """One kind of experiment.

    `columns` are names of its sample variable, `references` words of its reference level,
    `perturbations` what else may be done, `templates` how a level of it is worded. `scales`, for an
    ordered kind, are its series of levels from the reference on.
    """

    name: str
    weight: float
    columns: tuple[str, ...]
    references: tuple[str, ...]
    perturbations: tuple[str, ...]
    templates: tuple[str, ...] = ("{}",)
    scales: tuple[tuple[str, ...], ...] = ()


_GENES = (
    "Stat1", "Trp53", "Myd88", "Nr1h3", "Ppara", "Tet2", "Ezh2", "Hif1a", "Foxo1", "Sirt1",
    "Bmal1", "Il10", "Tlr4", "Irf4", "Runx1", "Gata2", "Kdm6a", "Arid1a", "Rb1", "Pten",
    "Nfe2l2", "Smad3", "Notch1", "Ctnnb1", "Apc", "Mecp2", "Fmr1", "Lmna", "Dicer1", "Atg5",
)  # fmt: skip
_DRUGS = (
    "LPS", "dexamethasone", "rapamycin", "metformin", "IL-4", "IFN-gamma", "TGF-beta1", "TNF",
    "tamoxifen", "imatinib", "JQ1", "trametinib", "retinoic acid", "rosiglitazone", "fluoxetine",
    "morphine", "cisplatin", "doxorubicin", "tunicamycin", "insulin", "estradiol", "poly(I:C)",
    "CpG", "anti-PD-1", "GSK126", "valproic acid", "5-azacytidine", "BMP4", "Wnt3a", "ionomycin",
)  # fmt: skip
_PATHOGENS = (
    "influenza A", "MCMV", "Listeria monocytogenes", "Salmonella Typhimurium", "LCMV Armstrong",
    "Toxoplasma gondii", "Mycobacterium tuberculosis", "Plasmodium chabaudi", "Zika virus", "RSV",
    "Citrobacter rodentium", "Candida albicans",
)  # fmt: skip
_DIETS = (
    "high fat diet", "western diet", "ketogenic diet", "methionine-choline deficient diet",
    "high fructose diet", "caloric restriction", "low protein diet", "high salt diet",
)  # fmt: skip
_INJURIES = (
    "myocardial infarction", "transverse aortic constriction", "unilateral ureteral obstruction",
    "middle cerebral artery occlusion", "partial hepatectomy", "spinal cord injury",
    "cecal ligation and puncture", "sciatic nerve crush", "controlled cortical impact",
)  # fmt: skip
_DISEASES = (
    "EAE",
    "DSS colitis",
    "5xFAD",
    "mdx",
    "db/db",
    "collagen-induced arthritis",
    "STZ diabetes",
)

KINDS = (
    FactorKind(
        "treatment",
        0.34,
        ("treatment", "agent", "Treatment", "condition", "treatment group", "stimulation"),
        ("vehicle", "DMSO", "PBS", "saline", "untreated", "control", "Vehicle", "unstimulated"),
        _DRUGS,
    ),
    FactorKind(
        "genotype",
        0.24,
        ("genotype", "Genotype", "genotype/variation", "genetic background"),
        ("WT", "wild type", "wild-type", "+/+", "Wildtype"),
        _GENES,
        ("{} KO", "{}-/-", "{} knockout", "{} null"),
    ),
    FactorKind(
        "infection",
        0.08,
        ("infection", "infection status", "pathogen"),
        ("uninfected", "mock", "Mock infected", "NonInfected"),
        _PATHOGENS,
    ),
    FactorKind(
        "diet",
        0.06,
        ("diet", "Diet", "feeding"),
        ("chow", "normal chow", "control diet", "standard diet"),
        _DIETS,
    ),
    FactorKind(
        "injury",
        0.05,
        ("surgery", "injury", "procedure"),
        ("sham", "Sham", "sham operated", "uninjured"),
        _INJURIES,
    ),
    FactorKind(
        "disease",
        0.05,
        ("disease state", "disease", "phenotype"),
        ("healthy", "control", "healthy control", "normal"),
        _DISEASES,
    ),
    FactorKind(
        "knockdown",
        0.04,
        ("shRNA", "siRNA", "knockdown"),
        ("scramble", "non-targeting control", "siControl", "shLuciferase"),
        _GENES,
        ("{} knockdown", "si{}", "sh{}"),
    ),
    FactorKind(
        "time",
        0.09,
        ("time", "time point", "timepoint", "time post treatment"),
        (),
        _DRUGS + _PATHOGENS,
        scales=(
            ("0h", "6h", "24h", "72h"),
            ("0 h", "2 h", "8 h", "24 h"),
            ("day 0", "day 3", "day 7", "day 14"),
            ("Day0", "Day4", "Day8", "Day21"),
            ("0 min", "30 min", "120 min", "360 min"),
        ),
    ),
    FactorKind(
        "dose",
        0.03,
        ("dose", "concentration"),
        (),
        _DRUGS,
        scales=(
            ("0 mg/kg", "1 mg/kg", "10 mg/kg", "50 mg/kg"),
            ("0 nM", "10 nM", "100 nM", "1000 nM"),
            ("0 uM", "0.5 uM", "5 uM", "20 uM"),
        ),
    ),
    FactorKind(
        "age",
        0.02,
        ("age", "age group"),
        (),
        ("ageing",),
        scales=(
            ("3 months", "12 months", "18 months", "24 months"),
            ("8 weeks", "26 weeks", "52 weeks", "104 weeks"),
        ),
    ),
)

# What a study may hold beside its factor: (columns, levels).
SECOND_VARIABLES = (
    (("sex", "Sex", "gender"), ("female", "male")),
    (("sex", "gender"), ("F", "M")),
    (("Sex", "sex of the animal"), ("Male", "Female")),
    (("strain", "mouse strain"), ("C57BL/6J", "BALB/c")),
)
BATCH_COLUMNS = ("batch", "Batch", "experiment batch", "library batch")
BATCH_LEVELS = (("1", "2"), ("A", "B"), ("batch1", "batch2"))

TISSUES = (
    "liver", "whole brain", "spleen", "heart", "kidney", "skeletal muscle", "bone marrow", "lung",
    "colon", "white adipose tissue", "hippocampus", "embryonic stem cells", "thymus", "skin",
    "bone marrow-derived macrophages", "testis", "retina", "pancreas", "mammary gland", "MEFs",
)  # fmt: skip


def tissue_name(index: int) -> str:
    """Name of tissue number `index`; past the list the names are numbered."""
    turn, position = divmod(index, len(TISSUES))
    return TISSUES[position] if turn == 0 else f"{TISSUES[position]} {turn + 1}"
