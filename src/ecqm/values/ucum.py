"""The unit atoms and prefixes of UCUM that occur in clinical data (ucum.org, release 2.1).

Each line of ATOMS has four fields: the code, `m` if it takes metric prefixes and `-` if not, its value, and the unit of
that value. An arbitrary unit such as `[iU]` has the value `@`: a dimension of its own, comparable only with itself.
"""

from __future__ import annotations

PREFIXES: dict[str, int] = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

BINARY_PREFIXES: dict[str, int] = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}

BASE_UNITS = ("m", "s", "g", "rad", "K", "C", "cd")

ATOMS = """
10*       -  10                 1
10^       -  10                 1
[pi]      -  3.1415926535897932384626433832795028841971693993751058209749445923  1
%         -  1                  10*-2
[ppth]    -  1                  10*-3
[ppm]     -  1                  10*-6
[ppb]     -  1                  10*-9
[pptr]    -  1                  10*-12
mol       m  6.0221367          10*23
sr        m  1                  rad2
Hz        m  1                  s-1
N         m  1                  kg.m/s2
Pa        m  1                  N/m2
J         m  1                  N.m
W         m  1                  J/s
A         m  1                  C/s
V         m  1                  J/C
F         m  1                  C/V
Ohm       m  1                  V/A
S         m  1                  Ohm-1
Wb        m  1                  V.s
T         m  1                  Wb/m2
H         m  1                  Wb/A
lm        m  1                  cd.sr
lx        m  1                  lm/m2
Bq        m  1                  s-1
Gy        m  1                  J/kg
Sv        m  1                  J/kg
gon       -  0.9                deg
deg       -  2                  [pi].rad/360
'         -  1                  deg/60
''        -  1                  '/60
l         m  1                  dm3
L         m  1                  l
ar        m  100                m2
min       -  60                 s
h         -  60                 min
d         -  24                 h
a_t       -  365.24219          d
a_j       -  365.25             d
a_g       -  365.2425           d
a         -  1                  a_j
wk        -  7                  d
mo_s      -  29.53059           d
mo_j      -  1                  a_j/12
mo_g      -  1                  a_g/12
mo        -  1                  mo_j
t         m  1000               kg
bar       m  100000             Pa
u         m  1.6605402          10*-24.g
eV        m  1.60217733         10*-19.J
AU        -  149597.870691      Mm
pc        m  3.085678           10*16.m
[c]       m  299792458          m/s
[h]       m  6.6260755          10*-34.J.s
[k]       m  1.380658           10*-23.J/K
[eps_0]   m  8.854187817        10*-12.F/m
[e]       m  1.60217733         10*-19.C
[m_e]     m  9.1093897          10*-28.g
[m_p]     m  1.6726231          10*-24.g
[G]       m  6.67259            10*-11.m3.kg-1.s-2
[g]       m  9.80665            m/s2
atm       -  101325             Pa
[ly]      m  1                  [c].a_j
gf        m  1                  g.[g]
[lbf_av]  -  1                  [lb_av].[g]
Ky        m  1                  cm-1
Gal       m  1                  cm/s2
dyn       m  1                  g.cm/s2
erg       m  1                  dyn.cm
P         m  1                  dyn.s/cm2
Bi        m  10                 A
St        m  1                  cm2/s
Mx        m  1                  10*-8.Wb
G         m  1                  10*-4.T
Lmb       m  1                  cd/cm2/[pi]
ph        m  1                  10*-4.lx
Ci        m  37000000000        Bq
R         m  2.58               10*-4.C/kg
RAD       m  100                erg/g
REM       m  1                  RAD
[in_i]    -  2.54               cm
[ft_i]    -  12                 [in_i]
[yd_i]    -  3                  [ft_i]
[mi_i]    -  5280               [ft_i]
[fth_i]   -  6                  [ft_i]
[nmi_i]   -  1852               m
[kn_i]    -  1                  [nmi_i]/h
[sin_i]   -  1                  [in_i]2
[sft_i]   -  1                  [ft_i]2
[syd_i]   -  1                  [yd_i]2
[cin_i]   -  1                  [in_i]3
[cft_i]   -  1                  [ft_i]3
[cyd_i]   -  1                  [yd_i]3
[mil_i]   -  1                  10*-3.[in_i]
[hd_i]    -  4                  [in_i]
[ft_us]   -  1200               m/3937
[in_us]   -  1                  [ft_us]/12
[yd_us]   -  3                  [ft_us]
[mi_us]   -  5280               [ft_us]
[acr_us]  -  43560              [ft_us]2
[gal_us]  -  231                [in_i]3
[qt_us]   -  1                  [gal_us]/4
[pt_us]   -  1                  [qt_us]/2
[gil_us]  -  1                  [pt_us]/4
[foz_us]  -  1                  [gil_us]/4
[fdr_us]  -  1                  [foz_us]/8
[min_us]  -  1                  [fdr_us]/60
[cup_us]  -  16                 [tbs_us]
[tbs_us]  -  1                  [foz_us]/2
[tsp_us]  -  1                  [tbs_us]/3
[cup_m]   -  240                mL
[foz_m]   -  30                 mL
[tbs_m]   -  15                 mL
[tsp_m]   -  5                  mL
[gal_br]  -  4.54609            l
[qt_br]   -  1                  [gal_br]/4
[pt_br]   -  1                  [qt_br]/2
[foz_br]  -  1                  [pt_br]/20
[gr]      -  64.79891           mg
[lb_av]   -  7000               [gr]
[oz_av]   -  1                  [lb_av]/16
[oz_m]    -  28                 g
[dr_av]   -  1                  [oz_av]/16
[scwt_av] -  100                [lb_av]
[lcwt_av] -  112                [lb_av]
[ston_av] -  20                 [scwt_av]
[lton_av] -  20                 [lcwt_av]
[stone_av] - 14                 [lb_av]
[oz_tr]   -  480                [gr]
[lb_tr]   -  12                 [oz_tr]
[sc_ap]   -  20                 [gr]
[dr_ap]   -  3                  [sc_ap]
[oz_ap]   -  8                  [dr_ap]
[lb_ap]   -  12                 [oz_ap]
[psi]     -  1                  [lbf_av]/[sin_i]
[diop]    -  1                  m-1
m[H2O]    m  9.80665            kPa
m[Hg]     m  133.3220           kPa
[in_i'H2O] - 1                  m[H2O].[in_i]/m
[in_i'Hg] -  1                  m[Hg].[in_i]/m
[PRU]     -  1                  mm[Hg].s/ml
[wood'U]  -  1                  mm[Hg].min/L
cal       m  4.184              J
cal_[15]  m  4.18580            J
cal_IT    m  4.1868             J
cal_th    m  4.184              J
[Cal]     -  1                  kcal_th
[Btu]     -  1.05505585262      kJ
[HP]      -  550                [ft_i].[lbf_av]/s
[MET]     -  3.5                mL/min/kg
[Ch]      -  1                  mm/3
[drp]     -  1                  ml/20
[car_m]   -  0.2                g
[smoot]   -  67                 [in_i]
kat       m  1                  mol/s
U         m  1                  umol/min
eq        m  1                  mol
osm       m  1                  mol
g%        m  1                  g/dl
[S]       -  1                  10*-13.s
[HPF]     -  1                  1
[LPF]     -  100                1
[arb'U]   -  @                  1
[USP'U]   -  @                  1
[GPL'U]   -  @                  1
[MPL'U]   -  @                  1
[APL'U]   -  @                  1
[beth'U]  -  @                  1
[anti'Xa'U] - @                 1
[todd'U]  -  @                  1
[dye'U]   -  @                  1
[smgy'U]  -  @                  1
[bdsk'U]  -  @                  1
[ka'U]    -  @                  1
[knk'U]   -  @                  1
[mclg'U]  -  @                  1
[tb'U]    -  @                  1
[CCID_50] -  @                  1
[TCID_50] -  @                  1
[EID_50]  -  @                  1
[PFU]     -  @                  1
[FFU]     -  @                  1
[CFU]     -  @                  1
[IR]      m  @                  1
[BAU]     -  @                  1
[AU]      -  @                  1
[Amb'a'1'U] - @                 1
[PNU]     -  @                  1
[Lf]      -  @                  1
[D'ag'U]  -  @                  1
[FEU]     -  @                  1
[ELU]     -  @                  1
[EU]      -  @                  1
[iU]      m  @                  1
[IU]      m  1                  [iU]
[hnsf'U]  -  @                  1
[MET'min] -  1                  [MET].min
b         m  100                fm2
att       -  1                  kgf/cm2
mho       m  1                  S
[degRe]   -  @                  1
circ      -  2                  [pi].rad
sph       -  4                  [pi].sr
bit       m  1                  1
By        m  8                  bit
Bd        m  1                  s-1
[RFU]     -  @                  1
"""

# Temperature scales as (shift, step), exact fractions: x degrees are (x + shift) * step kelvins.
AFFINE: dict[str, tuple[str, str]] = {"Cel": ("273.15", "1"), "[degF]": ("459.67", "5/9")}

# Units on logarithmic and similar scales: not converted, so comparable only with themselves.
OTHER_SCALES = ("[pH]", "Np", "B", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[W]", "B[kW]", "bit_s", "[p'diop]",
                "%[slope]", "[m/s2/Hz^0.5]", "[hp'_X]", "[hp'_C]", "[hp_X]", "[hp_C]")  # fmt: skip
