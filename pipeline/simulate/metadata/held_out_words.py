"""Words of the templates that are kept apart, so that rules can't have learned them from the others."""

from pipeline.simulate.metadata.draw import Draw, words
from pipeline.simulate.metadata.levels import Levels, make_levels
from pipeline.simulate.metadata.levels_of_animals import knockout
from pipeline.simulate.metadata.levels_of_treatment import any_treatment

OTHER_GENES = words(
    "Abcc8 Acvr1 Adam10 Ano1 Aqp4 Arid1a Asxl1 Bap1 Bax Bmal1 Bmpr2 Cacna1c Cand1 Cdk5 Cdkn2a "
    "Cited2 Cops5 Crtc1 Ctcf Cyp1b1 Dab2 Disc1 Dot1l Drp1 Dusp6 Egfr Egr2 Elf5 Erbb2 Etv6 Fbxw7 "
    "Fgfr3 Flt3 Foxa2 Foxg1 Fto Gabra1 Gfi1 Gli2 Glis3 Grin2b Hes1 Hnrnpk Hoxa9 Id2 Idh1 Ikbkb "
    "Il2rg Itgb1 Jag1 Jak2 Kdm5b Kit Lhx2 Lin28a Lpin1 Maged1 Map2k1 Mef2d Meis1 Men1 Mitf Mll1 "
    "Nfatc1 Nfix Nkx2-1 Npm1 Nrxn1 Nsd1 Otx2 Park7 Pbrm1 Phf6 Pitx2 Pkd1 Plin5 Prdm16 Prmt5"
)
OTHER_DRUGS = words(
    "abemaciclib afatinib alectinib bafilomycin belinostat bexarotene bosutinib canagliflozin "
    "carfilzomib cerulenin chloroquine colchicine crizotinib dapagliflozin deferoxamine digoxin "
    "disulfiram dorsomorphin entinostat etomoxir everolimus ezetimibe fasudil fingolimod "
    "gefitinib geldanamycin hydroxyurea ibrutinib ivermectin lapatinib leptomycin losartan "
    "melatonin mirabegron nintedanib nutlin-3a omeprazole panobinostat pirfenidone ponatinib "
    "prazosin propranolol quercetin regorafenib riluzole rolipram salmeterol sitagliptin "
    "spironolactone sunitinib tazemetostat temozolomide teriparatide tideglusib tirzepatide "
    "verapamil vorinostat wortmannin Y-27632 zileuton"
)
OTHER_CONTROLS = (
    ("CTR", "CTR"),
    ("Cntrl", "Cntrl"),
    ("control group", "CG"),
    ("Untreated control", "UTC"),
    ("unexposed", "unexp"),
    ("sham-treated", "sham"),
    ("D-PBS", "DPBS"),
    ("medium control", "MC"),
    ("non-treated", "NT"),
    ("Not-treated", "NT"),
    ("normal saline", "NS"),
    ("0.1% DMSO", "DMSO"),
    ("vehicle-treated", "veh"),
    ("controls", "ctl"),
    ("blank", "blank"),
    ("DMSO only", "DMSO"),
    ("baseline", "base"),
)


def other_drug(draw: Draw, n: int = 2) -> Levels:
    """A control and n - 1 drugs of these words."""
    names = draw.some(OTHER_DRUGS, n - 1)
    dose = draw.pick(("", "", "", " 3 uM", " (30 mg/kg)", " 500nM", ", 25 µM"))
    pairs = [draw.pick(OTHER_CONTROLS), *((name + dose, name[:9]) for name in names)]
    return make_levels(draw, "treatment", pairs, reference=0)


def other_mutant(draw: Draw, n: int = 2) -> Levels:
    """Wild type and n - 1 mutants of these genes."""
    wild = draw.pick(
        (
            ("WT", "WT"),
            ("wild-type", "WT"),
            ("Wt", "Wt"),
            ("wildtype control", "WT"),
            ("WT mice", "WT"),
        )
    )
    style = draw.pick(("{} -/-", "{}-KO", "{} knockout", "{} LOF", "{} deletion", "{}(-/-)"))
    genes = draw.some(OTHER_GENES, n - 1)
    pairs = [wild, *((style.format(g), f"{g}KO") for g in genes)]
    return make_levels(draw, "genotype", pairs, reference=0)


def either(draw: Draw) -> Levels:
    """Two levels, of these words or of the common ones."""
    return draw.pick((other_drug, other_mutant, knockout, any_treatment))(draw, 2)
