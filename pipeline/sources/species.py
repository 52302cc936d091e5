"""The species of DEE2: what it calls them, and what GEO does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Species:
    """A species: DEE2's short name, GEO's organism and NCBI's taxonomy id."""

    name: str
    organism: str
    taxid: str


def is_organism(told: str, organism: str) -> bool:
    """Whether a name is that of an organism, or of a strain or subspecies: `Oryza sativa Japonica Group`."""
    name, own = told.casefold(), organism.casefold()
    return name == own or (name.startswith(f"{own} ") and " x " not in name)


SPECIES = {
    name: Species(name, organism, taxid)
    for name, organism, taxid in (
        ("athaliana", "Arabidopsis thaliana", "3702"),
        ("bdistachyon", "Brachypodium distachyon", "15368"),
        ("celegans", "Caenorhabditis elegans", "6239"),
        ("dmelanogaster", "Drosophila melanogaster", "7227"),
        ("drerio", "Danio rerio", "7955"),
        ("ecoli", "Escherichia coli", "562"),
        ("gmax", "Glycine max", "3847"),
        ("hsapiens", "Homo sapiens", "9606"),
        ("hvulgare", "Hordeum vulgare", "4513"),
        ("mmusculus", "Mus musculus", "10090"),
        ("osativa", "Oryza sativa", "4530"),
        ("ptrichocarpa", "Populus trichocarpa", "3694"),
        ("rnorvegicus", "Rattus norvegicus", "10116"),
        ("sbicolor", "Sorghum bicolor", "4558"),
        ("scerevisiae", "Saccharomyces cerevisiae", "4932"),
        ("slycopersicum", "Solanum lycopersicum", "4081"),
        ("stuberosum", "Solanum tuberosum", "4113"),
        ("taestivum", "Triticum aestivum", "4565"),
        ("vvinifera", "Vitis vinifera", "29760"),
        ("zmays", "Zea mays", "4577"),
    )
}

# What Ensembl ids of genes begin with.
OF_ENSEMBL = {
    "ENSMUSG": SPECIES["mmusculus"],
    "ENSG": SPECIES["hsapiens"],
    "ENSRNOG": SPECIES["rnorvegicus"],
    "ENSDARG": SPECIES["drerio"],
    "ENSGALG": Species("", "Gallus gallus", "9031"),
    "ENSSSCG": Species("", "Sus scrofa", "9823"),
    "ENSBTAG": Species("", "Bos taurus", "9913"),
    "ENSMMUG": Species("", "Macaca mulatta", "9544"),
}
