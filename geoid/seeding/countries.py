"""Countries by the codes and English names that people give them: ISO 3166-1, and Kosovo."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

COUNTRIES = """
AD AND Andorra
AE ARE United Arab Emirates
AF AFG Afghanistan
AG ATG Antigua and Barbuda
AI AIA Anguilla
AL ALB Albania
AM ARM Armenia
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina
AS ASM American Samoa
AT AUT Austria
AU AUS Australia
AW ABW Aruba
AX ALA Aland Islands
AZ AZE Azerbaijan
BA BIH Bosnia and Herzegovina
BB BRB Barbados
BD BGD Bangladesh
BE BEL Belgium
BF BFA Burkina Faso
BG BGR Bulgaria
BH BHR Bahrain
BI BDI Burundi
BJ BEN Benin
BL BLM Saint Barthelemy
BM BMU Bermuda
BN BRN Brunei = Brunei Darussalam
BO BOL Bolivia = Plurinational State of Bolivia
BQ BES Caribbean Netherlands = Bonaire, Sint Eustatius and Saba = Bonaire
BR BRA Brazil
BS BHS Bahamas
BT BTN Bhutan
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus
BZ BLZ Belize
CA CAN Canada
CC CCK Cocos (Keeling) Islands
CD COD Democratic Republic of the Congo = DR Congo = DRC = Congo-Kinshasa
CF CAF Central African Republic
CG COG Republic of the Congo = Congo = Congo-Brazzaville
CH CHE Switzerland
CI CIV Cote d'Ivoire = Ivory Coast
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon
CN CHN China
CO COL Colombia
CR CRI Costa Rica
CU CUB Cuba
CV CPV Cape Verde = Cabo Verde
CW CUW Curacao
CX CXR Christmas Island
CY CYP Cyprus
CZ CZE Czech Republic = Czechia
DE DEU Germany
DJ DJI Djibouti
DK DNK Denmark
DM DMA Dominica
DO DOM Dominican Republic
DZ DZA Algeria
EC ECU Ecuador
EE EST Estonia
EG EGY Egypt
EH ESH Western Sahara
ER ERI Eritrea
ES ESP Spain
ET ETH Ethiopia
FI FIN Finland
FJ FJI Fiji
FK FLK Falkland Islands = Falkland Islands (Malvinas)
FM FSM Micronesia = Federated States of Micronesia
FO FRO Faroe Islands
FR FRA France
GA GAB Gabon
GB GBR United Kingdom = UK = Great Britain = Britain = United Kingdom of Great Britain and Northern Ireland
GD GRD Grenada
GE GEO Georgia
GF GUF French Guiana
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland
GM GMB Gambia
GN GIN Guinea
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea
GR GRC Greece
GS SGS South Georgia and the South Sandwich Islands
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau
GY GUY Guyana
HK HKG Hong Kong
HM HMD Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia
HT HTI Haiti
HU HUN Hungary
ID IDN Indonesia
IE IRL Ireland
IL ISR Israel
IM IMN Isle of Man
IN IND India
IO IOT British Indian Ocean Territory
IQ IRQ Iraq
IR IRN Iran = Islamic Republic of Iran
IS ISL Iceland
IT ITA Italy
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan
JP JPN Japan
KE KEN Kenya
KG KGZ Kyrgyzstan
KH KHM Cambodia
KI KIR Kiribati
KM COM Comoros
KN KNA Saint Kitts and Nevis
KP PRK North Korea = Democratic People's Republic of Korea
KR KOR South Korea = Republic of Korea
KW KWT Kuwait
KY CYM Cayman Islands
KZ KAZ Kazakhstan
LA LAO Laos = Lao PDR = Lao People's Democratic Republic
LB LBN Lebanon
LC LCA Saint Lucia
LI LIE Liechtenstein
LK LKA Sri Lanka
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania
LU LUX Luxembourg
LV LVA Latvia
LY LBY Libya
MA MAR Morocco
MC MCO Monaco
MD MDA Moldova = Republic of Moldova
ME MNE Montenegro
MF MAF Saint Martin = Saint Martin (French part)
MG MDG Madagascar
MH MHL Marshall Islands
MK MKD North Macedonia = Macedonia
ML MLI Mali
MM MMR Myanmar = Burma
MN MNG Mongolia
MO MAC Macau = Macao
MP MNP Northern Mariana Islands
MQ MTQ Martinique
MR MRT Mauritania
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico
MY MYS Malaysia
MZ MOZ Mozambique
NA NAM Namibia
NC NCL New Caledonia
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria
NI NIC Nicaragua
NL NLD Netherlands
NO NOR Norway
NP NPL Nepal
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand
OM OMN Oman
PA PAN Panama
PE PER Peru
PF PYF French Polynesia
PG PNG Papua New Guinea
PH PHL Philippines
PK PAK Pakistan
PL POL Poland
PM SPM Saint Pierre and Miquelon
PN PCN Pitcairn
PR PRI Puerto Rico
PS PSE Palestine = State of Palestine
PT PRT Portugal
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar
RE REU Reunion
RO ROU Romania
RS SRB Serbia
RU RUS Russia = Russian Federation
RW RWA Rwanda
SA SAU Saudi Arabia
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan
SE SWE Sweden
SG SGP Singapore
SH SHN Saint Helena = Saint Helena, Ascension and Tristan da Cunha
SI SVN Slovenia
SJ SJM Svalbard and Jan Mayen = Svalbard
SK SVK Slovakia
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal
SO SOM Somalia
SR SUR Suriname
SS SSD South Sudan
ST STP Sao Tome and Principe
SV SLV El Salvador
SX SXM Sint Maarten = Sint Maarten (Dutch part)
SY SYR Syria = Syrian Arab Republic
SZ SWZ Eswatini = Swaziland
TC TCA Turks and Caicos Islands
TD TCD Chad
TF ATF French Southern Territories = French Southern and Antarctic Lands
TG TGO Togo
TH THA Thailand
TJ TJK Tajikistan
TK TKL Tokelau
TL TLS Timor-Leste = East Timor
TM TKM Turkmenistan
TN TUN Tunisia
TO TON Tonga
TR TUR Turkey = Turkiye
TT TTO Trinidad and Tobago
TV TUV Tuvalu
TW TWN Taiwan = Taiwan, Province of China
TZ TZA Tanzania = United Republic of Tanzania
UA UKR Ukraine
UG UGA Uganda
UM UMI United States Minor Outlying Islands
US USA United States = United States of America
UY URY Uruguay
UZ UZB Uzbekistan
VA VAT Vatican City = Holy See = Holy See (Vatican City State)
VC VCT Saint Vincent and the Grenadines
VE VEN Venezuela = Bolivarian Republic of Venezuela
VG VGB British Virgin Islands
VI VIR US Virgin Islands = Virgin Islands, U.S. = United States Virgin Islands
VN VNM Vietnam = Viet Nam
VU VUT Vanuatu
WF WLF Wallis and Futuna
WS WSM Samoa
XK XKX Kosovo
YE YEM Yemen
YT MYT Mayotte
ZA ZAF South Africa
ZM ZMB Zambia
ZW ZWE Zimbabwe
"""
"""A line each: alpha-2, alpha-3, and the name, of several the usual one first. Names after tz's `iso3166.tab`, which is
in the public domain."""

WORD = re.compile("[a-z]+")
LITTLE = {"the", "and", "of"}


def alpha_2(written: str) -> str | None:
    """The alpha-2 code of a country by its name or its alpha-3 code, in any case; none if it is no country's."""
    codes, names = _known()
    return codes.get(written.upper()) or names.get(_plain(written))


@cache
def _known() -> tuple[dict[str, str], dict[str, str]]:
    codes: dict[str, str] = {}
    found: dict[str, str] = {}
    for line in COUNTRIES.strip().splitlines():
        code, alpha_3, names = line.split(" ", 2)
        codes[alpha_3] = code
        found |= {_plain(name): code for name in names.split(" = ")}
    return codes, found


def _plain(written: str) -> str:
    """The words of a name in any order (`Korea, South`): small, without accents and little ones, saints in short."""
    letters = unicodedata.normalize("NFKD", written.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = ("st" if word == "saint" else word for word in WORD.findall(bare) if word not in LITTLE)
    return " ".join(sorted(words))
