"""The vocabulary of levels: words that name a control, a perturbation, a genotype, a sex, a tissue.

All is lower case, and a word matches as a whole.
"""

import re
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words for a control, best first: a study with "untreated" and "vehicle" means its vehicle.
CONTROL_TIERS: Final[tuple[frozenset[str], ...]] = (
    # Treated as the others are, but for the agent.
    _set(
        """
        vehicle veh mock sham placebo plac scramble scrambled scr nontargeting nontarget nonsilencing ntc
        emptyvector isotype
        """
    ),
    # Not treated, or called control.
    _set(
        """
        control controls ctrl ctrls ctl ctr cntrl cntl con contr cont untreated nontreated unstimulated
        nonstimulated uninfected noninfected unexposed nonexposed uninjured noninjured uninduced unchallenged
        unirradiated nonirradiated notreatment nodrug none naive naïve intact healthy normal blank normoxia
        normoxic nondiabetic undiseased nondiseased unmodified unperturbed resting unoperated unt nt nc
        untransfected untransduced undamaged unwounded unlesioned unactivated nonactivated unvaccinated
        unimmunized undifferentiated uncrushed uncut unligated unstressed nonstressed unconditioned
        unprimed unlabeled parental empty emptyplasmid noinfection nostimulation noinjury ut neg unmanipulated
        asymptomatic uninoculated contralateral adjacent uninvolved unaffected nontumor nontumour
        nonlesional noncancer remote benign nulliparous unmated filtered ambient normally homecage hc
        pairfed pf pair isocaloric maltodextrin
        """
    ),
    # What a vehicle is made of, or a harmless gene.
    _set(
        """
        pbs saline nacl solvent solv diluent dmso ethanol etoh water h2o media medium gfp egfp lacz luciferase
        luc igg oil cornoil hbss bsa acsf mcherry tdtomato rfp yfp eyfp methylcellulose buffer
        pcdna lucif
        """
    ),
    # Wild type.
    _set(
        """
        wt wildtype +/+ wt/wt littermate littermates nontransgenic ntg nontg crenegative noncre nocre
        c57bl/6 c57bl/6j c57bl/6n c57bl/6nj c57bl6 c57bl6/j b6 wtb6
        """
    ),
    # Floxed on one side, then on both: what Cre would have cut.
    _set("fl/+ flox/+ f/+ +/fl loxp/+ lox/+"),
    _set("floxed fl/fl flox/flox f/f loxp/loxp lox/lox"),
    # Before anything.
    _set(
        """
        th0 m0 chow standard sedentary baseline virgin nonpregnant
        lean lfd ncd nd before pre preinfection pretreatment day0 d0 0h
        young adlib adlibitum fed regular steadystate homeostasis homeostatic nonpathogenic rc sd
        conventional spf rest nonparous grouphoused roomtemperature roomair groundcontrol
        rt 21c 22c 23c 37c 21°c 22°c 23°c 37°c ev
        """
    ),
)
# Interfering RNA against nothing: siNC, shLuciferase, sgLacZ, siRNA-control.
CONTROL_RNA: Final = re.compile(
    r"(?:ctrl|ctl|control|scr(?:amble)?|nc|nt|neg)-?(?:aso|si|sh|sg|mi)(?:rna)?|"
    r"(?:si|sh|sg|g|mi|aso)(?:rna)?(?:co?n?tro?ls?|con|nc|nt|ntc|neg|scr(?:ambled?)?|luc(?:iferase)?|e?gfp|lacz"
    r"|non-?target(?:ing)?|rosa(?:26)?)|pcdna3?(?:\.\d)?"
)
# These name a control only where a level says nothing else: `GFP+` is a sorted cell.
ALONE_WORDS: Final = _set(
    """
    gfp egfp lacz luciferase luc igg water ethanol etoh media medium none con nt nc unt mcherry tdtomato rfp
    yfp eyfp before pre fed young neg ut buffer standard cont regular nd rc sd lean oil rest
    bsa ev resting conventional intact rt luciferase hc pf pair
    """
)
DIETS: Final = _set(
    """
    diet diets dietary feeding food hfd hf wd western ketogenic keto fat chow fructose sucrose cholesterol hcd
    mcd hfhs hffc lfd
    """
)
# Abbreviations of a control that mean another thing beside other words: SD is a standard diet beside a fat
# one and sleep deprivation else, RT room temperature beside the cold and radiotherapy else.
ONLY_BESIDE: Final = {
    "sd": DIETS,
    "nd": DIETS,
    "rt": _set(
        "cold temperature housing cool heat thermoneutral thermoneutrality tn ce 4c 5c 6c 30c"
    ),
    "hc": _set(
        """
        homecage cage sd sleep deprived deprivation fc cfc fear shock conditioning context training trained
        learning ee enriched enrichment novelty exploration seizure stress restraint
        """
    ),
    "pair": _set("fed feeding"),
    "pf": _set("ethanol etoh alcohol ef af lieber"),
}
# Words that belong together.
CONTROL_PHRASES: Final = {
    phrase: phrase.replace(" ", "")
    for phrase in (
        "non infected",
        "non treated",
        "non stimulated",
        "non exposed",
        "non injured",
        "non diabetic",
        "non diseased",
        "non irradiated",
        "non targeting",
        "non target",
        "non silencing",
        "non transgenic",
        "non tumor",
        "non tumour",
        "non pregnant",
        "non activated",
        "non stressed",
        "non lesional",
        "no treatment",
        "no drug",
        "no infection",
        "no injury",
        "no stimulation",
        "wild type",
        "empty vector",
        "corn oil",
        "steady state",
        "ad lib",
        "ad libitum",
        "cre negative",
        "no cre",
        "non cre",
        "non tg",
        "non carrier",
    )
} | {
    "tumor free": "healthy",
    "tumour free": "healthy",
    "disease free": "healthy",
    "room temperature": "roomtemperature",
    "room air": "roomair",
    "group housed": "grouphoused",
    "pair fed": "pairfed",
    "maltose dextrin": "maltodextrin",
    "home cage": "homecage",
    "ground control": "groundcontrol",
    "basal medium": "medium",
    "growth medium": "medium",
    "complete medium": "medium",
    "culture medium": "medium",
    "normal medium": "medium",
    "basal media": "media",
    "growth media": "media",
    "not infected": "uninfected",
    "not treated": "untreated",
    "not stimulated": "unstimulated",
    "without treatment": "untreated",
    "low fat diet": "lfd",
    "low fat": "lfd",
    "normal chow": "chow",
    "standard diet": "chow",
    "normal diet": "chow",
    "regular diet": "chow",
    "regular chow": "chow",
    "standard chow": "chow",
    "time 0": "0h",
    "day 0": "day0",
    "0 h": "0h",
    "0 hr": "0h",
    "0hr": "0h",
    "0 hours": "0h",
    "0 day": "day0",
    "0 days": "day0",
}
# `unstim`, `non-irradiated`: not done, whatever it is.
UNDONE: Final = re.compile(
    r"(?:un|non|no)-?(?:stim|treat|trt|tx(?![a-z])|dox|tam|cre(?![a-z])|drug|infect|inf(?![a-z])|injur|induc|irradi|expos|stress|transf|transd|activ|challeng|vaccin|immuni[sz]"
    r"|damag|wound|lesion|prim|tumou?r|diabet|preg|operat|inocul|manipul|pertur|edit|target|silenc|carrier)\w*"
)
# Which of two levels has not what the column is about.
LACKING: Final = frozenset(
    {
        "-",
        "n",
        "no",
        "off",
        "absent",
        "false",
        "f",
        "without",
        "minus",
        "0",
        "negative",
        "neg",
        "none",
        "(-)",
        "free",
        "uninduced",
    }
)
HAVING: Final = frozenset(
    {
        "+",
        "y",
        "yes",
        "on",
        "present",
        "true",
        "t",
        "with",
        "plus",
        "1",
        "positive",
        "pos",
        "(+)",
        "bearing",
        "induced",
    }
)
# A control word after one of these is none: "non control", "not healthy".
NEGATIONS: Final = frozenset({"non", "not", "no", "un", "anti", "ab"})
# Words that add nothing to a control: "control group 1", "vehicle treated mice", "control diet".
NEUTRAL: Final = _set(
    """
    group sample samples rat hamster goat rabbit armenian antibody serum treated treatment mice mouse cells
    cell only alone condition rep replicate diet
    fed injected type the of in and with for from animals animal exposed fraction injection administered
    gavage operated surgery housing housed conditions environment reared infection exposure
    plko plko1 pmig mscv pbabe paav aav ad lenti lentivirus retrovirus adenovirus stimulation
    transfected transduced infected sirna shrna sgrna grna rna vector virus genotype
    """
)
# What was done to a level that has one of these, or what is wrong with it.
PERTURBED: Final = _set(
    """
    ko knockout kd knockdown knockin ki null mutant mut mutated -/- +/- -/+ het heterozygous homozygous hom
    cko dko tko icko tg transgenic overexpression overexpressing oe deficient deleted deletion depleted
    depletion loss treated infected stimulated exposed injured activated induced irradiated diabetic obese
    tumor tumour cancer disease diseased inflamed hypoxia hypoxic inhibitor agonist antagonist cre creert2
    creert fl/fl;cre delta crispr sgrna hfd stressed stress stimulation treatment infection injury lesion
    lesioned crushed wounded challenged immunized vaccinated primed ablated ablation conditional inoculated
    fasted starved starvation exercised exercise aged old metastatic patient affected symptomatic
    metastasis metastases reoxygenation reoxygenated reperfusion recovery recovered refed refeeding
    relapse relapsed withdrawal
    """
)
GENOTYPE_WORDS: Final = _set(
    """
    wt wildtype ko knockout kd knockdown ki knockin null mutant mut het hom homo heterozygous homozygous cko
    dko tko tg transgenic ntg nontg littermate floxed fl/fl flox/flox f/f fl/+ +/+ -/- +/- -/+ cre +/y -/y
    creert2 deficient oe
    """
)
MALE: Final = _set("male males m boy man")
FEMALE: Final = _set("female females f girl woman")
# Tissues, organs and cells as a word in a text without a key.
TISSUE_WORDS: Final = _set(
    """
    adipose adrenal aorta artery astrocyte astrocytes bat bladder blood bmdm bmdms bmdc bone brain brainstem
    bcell bcells bone breast bronchus bulb cartilage caecum cecum cerebellum cerebral cochlea colon cortex
    cortical cornea dcs dendritic dg diaphragm drg duodenum embryo endothelial endothelium epididymis
    epithelial epithelium esc escs mesc mescs escs esophagus eye fat fibroblast fibroblasts forebrain
    gastrocnemius gonad granulocyte gut heart hepatocyte hepatocytes hindbrain hippocampal hippocampus hsc
    hscs hypothalamus ileum intestine islet islets iwat gwat ewat jejunum keratinocyte keratinocytes kidney
    limb liver lung lymph lymphnode macrophage macrophages mammary marrow mast mef mefs medulla microglia
    midbrain monocyte monocytes muscle myocardium myoblast myoblasts nerve neuron neurons neutrophil
    neutrophils nk npc npcs neutrophil oligodendrocyte oligodendrocytes osteoblast osteoclast osteoblasts
    osteoclasts ovary oocyte oocytes pancreas pbmc pituitary placenta plasma prefrontal prostate quadriceps
    retina retinal salivary skin soleus spinal spinalcord spleen splenocytes sperm stomach striatum
    synovium tail tendon testis testes thalamus thymocyte thymocytes thymus thyroid tibialis tongue trachea
    tcell tcells treg tregs th1 th2 th17 uterus vessel wat white cd4 cd8 luminal basal stromal
    """
)
