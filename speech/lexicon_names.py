"""Names, brands and loan words that spelling misleads, or whose usual reading is not the CMU dictionary's first."""

NAMES = """
acai AA0 S AA0 IY1
agnieszka AA0 G N Y EH1 SH K AH0
airbnb EH1 R B IY2 EH2 N B IY2
alnwick AE1 N IH0 K
anais AH0 N AY1 IY0 S
angharad AE0 NG HH AA1 R AE0 D
anjali AH1 N JH AH0 L IY0
antetokounmpo AA2 D EH0 T OW0 K UW1 M P OW0
aoife IY1 F AH0
ayse AY1 SH EH0
baidu B AY1 D UW2
baklava B AA1 K L AH0 V AA2
beignet B EH0 N Y EY1
bezos B EY1 Z OW0 S
biryani B IH2 R IY0 AA1 N IY0
bouillabaisse B UW2 Y AH0 B EY1 S
bournemouth B AO1 R N M AH0 TH
bruschetta B R UW0 S K EH1 T AH0
bulgogi B UH0 L G OW1 G IY0
busan B UW1 S AA2 N
buttigieg B UW1 T AH0 JH EH2 JH
bvlgari B UH1 L G AH0 R IY0
caernarfon K AH0 N AA1 R V AH0 N
caipirinha K AY2 P IH0 R IY1 N Y AH0
caius K IY1 Z
camus K AE0 M UW1
cannes K AE1 N
carrefour K EH1 R AH0 F UH2 R
cauchy K OW1 SH IY0
cerys K EH1 R IH0 S
ceviche S AH0 V IY1 CH EY0
chalamet SH AE1 L AH0 M EY2
chiara K IY0 AA1 R AH0
chiwetel CH UW1 AH0 T EH2 L
cholmondeley CH AH1 M L IY0
chongqing CH UH1 NG CH IH0 NG
chorizo CH ER0 IY1 Z OW0
ciara S IY0 EH1 R AH0
cillian K IH1 L IY0 AH0 N
cobh K OW1 V
courgette K UH0 R ZH EH1 T
croissant K R AH0 S AA1 N T
cuzco K UW1 S K OW0
danone D AA0 N OW1 N
debussy D EY1 B Y UW0 S IY0
declan D EH1 K L AH0 N
dengue D EH1 NG G IY0
deptford D EH1 T F ER0 D
dijkstra D AY1 K S T R AH0
djokovic JH OW1 K AH0 V IH2 CH
domhnall D OW1 N AH0 L
doppelganger D AA1 P AH0 L G AE2 NG ER0
dvorak D V AO1 R ZH AE2 K
edamame EH2 D AH0 M AA1 M EY0
ejiofor EH1 JH IY0 OW0 F AO2 R
elasticsearch IH0 L AE1 S T IH0 K S ER2 CH
emre EH1 M R EH0
ennui AA0 N W IY1
eoin OW1 AH0 N
erdogan EH1 R D AH0 W AA2 N
ethereum IH0 TH IH1 R IY0 AH0 M
etouffee EY2 T UW0 F EY1
fatima F AA1 T IH0 M AH0
faux F OW1
featherstonehaugh F AE1 N SH AO2
fibromyalgia F AY2 B R OW0 M AY0 AE1 L JH AH0
fiennes F AY1 N Z
foie F W AA1
frome F R UW1 M
frontend F R AH1 N T EH2 N D
ganoush G AH0 N UW1 SH
geralt G EH1 R AH0 L T
giannis Y AA1 N IH0 S
givenchy ZH IY2 V AA0 N SH IY1
gras G R AA1
gruyere G R UW0 Y EH1 R
guangzhou G W AA2 NG JH OW1
guillaume G IY0 OW1 M
gyoza G IY0 OW1 Z AH0
hadoop HH AH0 D UW1 P
hanoi HH AH0 N OY1
happisburgh HH EY1 Z B ER0 OW0
harissa HH AH0 R IY1 S AH0
haruki HH AA1 R UW0 K IY0
hawick HH OY1 K
holborn HH OW1 B ER0 N
hors AO1 R
huawei W AA1 W EY2
ibrahimovic IH2 B R AH0 HH IY1 M AH0 V IH2 CH
idli IH1 D L IY0
ines IH0 N EH1 S
ios AY1 OW2 EH2 S
isla AY1 L AH0
jakub Y AA1 K UH0 B
jisoo JH IY1 S UW2
kamala K AA1 M AH0 L AH0
kanye K AA1 N Y EY2
katarzyna K AA2 T AA0 ZH IH1 N AH0
keswick K EH1 Z IH0 K
khloe K L OW1 IY0
kirkcudbright K ER0 K UW1 B R IY0
koenigsegg K EH1 N IH0 G Z EH0 G
kubernetes K UW2 B ER0 N EH1 T IY0 Z
kwame K W AA1 M EY0
lagrange L AH0 G R AA1 N JH
lakshmi L AH1 K SH M IY0
laoghaire L IH1 R IY0
lebron L AH0 B R AA1 N
leche L EH1 CH EY0
lidl L IY1 D AH0 L
llanelli L AE0 N EH1 L IY0
loughborough L AH1 F B ER0 OW0
machu M AA1 CH UW0
mackinac M AE1 K IH0 N AO2
makayla M AH0 K EY1 L AH0
marylebone M AA1 R L AH0 B OW2 N
matcha M AA1 CH AH0
matthieu M AE0 T Y UW1
mbappe AH0 M B AA1 P EY0
mbeki AH0 M B EH1 K IY0
merlot M ER0 L OW1
middlesbrough M IH1 D AH0 L Z B R AH0
mignon M IH0 N Y AA1 N
milngavie M AH0 L G AY1
moana M OW0 AA1 N AH0
modric M OW1 D R IH0 CH
moet M OW0 EH1 T
moines M OY1 N
mojito M OW0 HH IY1 T OW0
mongo M AA1 NG G OW0
mourinho M AO0 R IY1 N Y OW0
mozart M OW1 T S AA2 R T
nevaeh N AH0 V EY1 AH0
nginx EH1 N JH IH0 N EH2 K S
niamh N IY1 V
noether N ER1 T ER0
noir N W AA1 R
oaxaca W AH0 HH AA1 K AH0
omeprazole OW0 M EH1 P R AH0 Z OW2 L
openai OW2 P AH0 N EY0 AY1
padme P AE1 D M EY0
padraig P AO1 R IH0 G
paella P AA0 EY1 AH0
paracetamol P EH2 R AH0 S IY1 T AH0 M AA2 L
parmigiano P AA2 R M IH0 JH AA1 N OW0
pas P AA1
persephone P ER0 S EH1 F AH0 N IY0
phnom P AH0 N AA1 M
phuket P UW0 K EH1 T
pichai P IH0 CH AY1
pinot P IY1 N OW0
plaistow P L AA1 S T OW0
podcast P AA1 D K AE2 S T
poincare P W AE2 N K AA0 R EY1
pooja P UW1 JH AH0
postgre P OW1 S T G R AH0
postgres P OW1 S T G R EH2 S
pozole P OW0 Z OW1 L EY0
priya P R IY1 Y AH0
proust P R UW1 S T
pythagoras P AH0 TH AE1 G ER0 AH0 S
qian CH Y EH1 N
quesadilla K EY2 S AH0 D IY1 AH0
quinoa K IY1 N W AA0
raikkonen R AY1 K AH0 N AH0 N
raita R AY1 T AH0
rajesh R AA1 JH EH2 SH
ramen R AA1 M AH0 N
redis R EH1 D IH0 S
rioja R IY0 OW1 HH AA0
riyadh R IY0 AA1 D
roisin R OW0 SH IY1 N
sadhbh S AY1 V
salisbury S AO1 L Z B EH2 R IY0
sangria S AE0 NG G R IY1 AH0
schadenfreude SH AA1 D AH0 N F R OY2 D AH0
scipy S AY1 P AY2
shein SH IY1 IH2 N
sinead SH IH0 N EY1 D
siobhan SH AH0 V AO1 N
southwark S AH1 DH ER0 K
spaetzle SH P EH1 T S L AH0
stderr S T AE1 N D ER0 D EH2 R
stdin S T AE1 N D ER0 D IH2 N
stdout S T AE1 N D ER0 D AW2 T
streatham S T R EH1 T AH0 M
tapas T AA1 P AH0 S
tchaikovsky CH AY0 K AO1 F S K IY0
thabo T AA1 B OW0
thierry T Y EH1 R IY0
tmux T IY1 M AH2 K S
towcester T OW1 S T ER0
tsinghua CH IH1 NG HH W AA2
tzatziki T S AA0 T S IY1 K IY0
ubuntu UH0 B UH1 N T UW0
uluru UW2 L AH0 R UW1
verstappen V ER0 S T AA1 P AH0 N
victuals V IH1 T AH0 L Z
warwick W AO1 R IH0 K
weibo W EY1 B OW0
wole W OW1 L EY0
wymondham W IH1 N D AH0 M
xi'an SH IY1 AA2 N
xiaomi SH AW1 M IY0
xiaoping SH AW2 P IH1 NG
ximena HH IH0 M EY1 N AH0
xu SH UW1
youghal Y AO1 L
zelenskyy Z AH0 L EH1 N S K IY0
zhang JH AA1 NG
zhao JH AW1
zhou JH OW1
"""
