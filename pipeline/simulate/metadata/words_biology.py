"""Genes, tissues, cells, strains: the words of mouse work that hardly vary between submitters."""

from pipeline.simulate.metadata.draw import words

GENES = words(
    "Atg5 Atg7 Tet2 Dnmt3a Trp53 Kras Nras Braf Pten Rb1 Apc Ctnnb1 Myc Mycn Stat1 Stat3 Stat5b "
    "Stat6 Irf1 Irf3 Irf4 Irf7 Irf8 Tlr2 Tlr3 Tlr4 Tlr9 Myd88 Ticam1 Ifnar1 Ifngr1 Il10 Il1b "
    "Il1r1 Il4ra Il6 Il17a Il33 Tnf Nlrp3 Casp1 Casp8 Ripk3 Gsdmd Sting1 Cgas Trem2 Apoe Cx3cr1 "
    "Ccr2 Cxcr4 Foxp3 Foxo1 Foxo3 Rorc Gata1 Gata2 Gata3 Tbx21 Eomes Bcl6 Prdm1 Pax5 Ebf1 Ikzf1 "
    "Runx1 Runx2 Runx3 Spi1 Cebpa Cebpb Klf2 Klf4 Sox2 Sox9 Sox10 Nanog Pou5f1 Hdac1 Hdac3 Sirt1 "
    "Sirt3 Sirt6 Ezh2 Eed Suz12 Kmt2d Kdm6a Setd2 Setdb1 Brd4 Chd8 Mecp2 Fmr1 Shank3 Nf1 Tsc1 "
    "Tsc2 Mtor Rptor Rictor Akt1 Ppara Pparg Ppargc1a Nr1h3 Nr1h4 Nr3c1 Esr1 Ar Vdr Ahr Hif1a "
    "Epas1 Vhl Arntl Clock Per2 Nr1d1 Lepr Ldlr Insr Igf1r Glp1r Ucp1 Prkn Pink1 Snca Lrrk2 Sod1 "
    "Tardbp Fus Htt App Psen1 Mapt Dmd Mstn Lmna Col1a1 Tgfbr2 Smad3 Smad4 Notch1 Rbpj Dll4 Yap1 "
    "Taz Lats1 Nf2 Ptch1 Smo Gli1 Wnt5a Lgr5 Ascl2 Atoh1 Cdx2 Hnf4a Hnf1a Neurog3 Pdx1 Mafa "
    "Nkx2-5 Tbx5 Mef2c Hand2 Myh6 Dicer1 Ago2 Drosha Mettl3 Ythdf2 Alkbh5 Adar Zfp36 Elavl1 Mbnl1 "
    "Srsf1 Tfam Polg Nfe2l2 Keap1 Gpx4 Slc7a11 Xbp1 Atf4 Atf6 Ddit3 Hspa5 Lamp2 Tfeb Becn1 Sqstm1 "
    "Parp1 Atm Brca1"
)

TISSUES = (
    "liver",
    "kidney",
    "heart",
    "lung",
    "spleen",
    "thymus",
    "brain",
    "hippocampus",
    "cortex",
    "prefrontal cortex",
    "cerebellum",
    "hypothalamus",
    "striatum",
    "spinal cord",
    "dorsal root ganglion",
    "retina",
    "skeletal muscle",
    "quadriceps",
    "gastrocnemius",
    "soleus",
    "tibialis anterior",
    "left ventricle",
    "aorta",
    "white adipose tissue",
    "brown adipose tissue",
    "inguinal fat",
    "epididymal fat",
    "pancreas",
    "islets",
    "colon",
    "ileum",
    "jejunum",
    "duodenum",
    "stomach",
    "bone marrow",
    "lymph node",
    "skin",
    "tail skin",
    "mammary gland",
    "uterus",
    "ovary",
    "testis",
    "placenta",
    "bladder",
    "prostate",
    "thyroid",
    "adrenal gland",
    "femur",
    "tibia",
    "calvaria",
    "knee cartilage",
    "bladder",
    "tongue",
)

CELLS = (
    ("BMDM", "bone marrow-derived macrophages"),
    ("BMDC", "bone marrow derived dendritic cells"),
    ("pMac", "peritoneal macrophages"),
    ("AM", "alveolar macrophages"),
    ("RAW264.7", "RAW 264.7"),
    ("MEF", "mouse embryonic fibroblasts"),
    ("mESC", "embryonic stem cells"),
    ("E14", "E14Tg2a ES cells"),
    ("NIH3T3", "NIH/3T3 cells"),
    ("3T3-L1", "3T3-L1 adipocytes"),
    ("C2C12", "C2C12 myoblasts"),
    ("CD4", "CD4+ T cells"),
    ("CD8", "CD8+ T cells"),
    ("Treg", "regulatory T cells"),
    ("Th17", "Th17 cells"),
    ("B", "splenic B cells"),
    ("NK", "NK cells"),
    ("ILC2", "lung ILC2"),
    ("neut", "neutrophils"),
    ("LSK", "Lin-Sca1+cKit+ cells"),
    ("HSC", "hematopoietic stem cells"),
    ("MG", "microglia"),
    ("astro", "primary astrocytes"),
    ("OPC", "oligodendrocyte progenitor cells"),
    ("neuron", "cortical neurons"),
    ("hep", "primary hepatocytes"),
    ("EC", "endothelial cells"),
    ("CM", "cardiomyocytes"),
    ("fibro", "cardiac fibroblasts"),
    ("B16", "B16-F10 melanoma cells"),
    ("4T1", "4T1 cells"),
    ("MC38", "MC38 tumors"),
    ("KPC", "KPC pancreatic tumor cells"),
    ("N2a", "Neuro-2a"),
    ("MIN6", "MIN6 cells"),
    ("OB", "calvarial osteoblasts"),
    ("OC", "osteoclasts"),
    ("kerat", "keratinocytes"),
    ("org", "intestinal organoids"),
)

STRAINS = (
    "C57BL/6",
    "C57BL/6J",
    "C57BL/6N",
    "C57Bl/6",
    "c57bl6",
    "BALB/c",
    "FVB/N",
    "129S1/SvImJ",
    "DBA/2J",
    "C3H/HeJ",
    "NOD",
    "CD-1",
    "A/J",
    "C57BL/6 x 129",
    "mixed background",
)
AGES = (
    "8 weeks",
    "8-10 weeks",
    "8-12 week old",
    "10 wk",
    "12 weeks old",
    "P60",
    "adult",
    "3 months",
    "3 mo",
    "6-8 weeks",
    "10-week-old",
    "70 days",
    "20 weeks",
)
SEXES = ("male", "female", "Male", "Female", "M", "F")
PLATFORMS = ("GPL13112", "GPL17021", "GPL19057", "GPL21103", "GPL24247", "GPL21493", "GPL16417")
MOLECULES = ("total RNA", "polyA RNA", "total RNA", "nuclear RNA")
