"""A generated knowledge base and what people ask it: matters, aspects of each, and other things."""

from __future__ import annotations

from bot.storage.knowledge import Piece

MATTERS = (
    "婚姻档案", "学籍档案", "土地档案", "退休证明", "出生证明", "会议室", "图书借阅", "停车场",
    "食堂", "学生宿舍", "快递代收", "会员卡", "电子发票", "退货", "保修", "洗衣机", "电热水壶",
    "空调", "打印机", "校园卡", "奖学金", "转专业", "请假", "期末考试", "社团活动", "体育馆",
    "校医院", "班车", "无线网络", "失物招领", "居住证", "老照片复制", "族谱查阅", "公证书",
    "志愿者", "讲解服务", "寄存柜", "轮椅租借", "预约参观", "团体票",
)  # fmt: skip
# An aspect: what the passage says, and how people ask for it in their own words.
ASPECTS = (
    (
        "{m}在本部二楼东侧的 {n} 号窗口办理，从南门进来左转，乘电梯上楼即到。"
        "雨天南门关闭，请改走西门。",
        ("{m}在哪个窗口办理？", "请问{m}要到几楼去", "你好，办{m}是从南门进吗"),
    ),
    (
        "{m}的受理时间是周一至周五上午 9 点到 11 点半，下午 2 点到 5 点，周末和法定节假日不受理。",
        ("{m}周末受理吗", "{m}的受理时间是什么时候", "下午几点之前还能去问{m}"),
    ),
    (
        "{m}每次收取工本费 {n} 元，可以刷卡或扫码支付。六十岁以上老人和现役军人凭证件免费。",
        ("{m}收费吗？工本费是多少", "老人办{m}免费吗", "{m}可以扫码支付吗"),
    ),
    (
        "申请{m}请带好本人身份证原件、一张两寸照片和填好的申请表，缺少任何一样都不能当场办结。",
        ("申请{m}要带哪些东西，身份证可以吗", "{m}的申请表要照片吗", "办{m}身份证要原件还是复印件"),
    ),
    (
        "关于{m}的咨询电话是 8{n}66-120{n}，转分机 {n}；也可以发邮件，一般两个工作日内回复。",
        ("{m}的咨询电话", "我想打电话问{m}，号码是多少", "{m}能发邮件咨询吗"),
    ),
    (
        "不能亲自来的，{m}可以委托他人代办。代办人须出示委托书、双方的身份证，并在登记簿上签名。",
        ("{m}可以代办吗", "让家里人替我办{m}，委托书怎么写", "{m}代办要不要签名"),
    ),
    (
        "对{m}的结果有异议的，请在收到通知之日起 {n} 天内提出复核，逾期视为接受，不再另行答复。",
        ("{m}的结果我有异议怎么办", "{m}复核要在多少天内提出", "{m}逾期了还能复核吗"),
    ),
    (
        "网上也能办{m}：登录服务大厅，点击“我的业务”，上传材料后等短信，全程不用到现场。",
        ("{m}网上能办吗", "在服务大厅里{m}的材料怎么上传", "办{m}会收到短信吗"),
    ),
)
OTHER = (
    "今天天气怎么样", "帮我写一首关于春天的诗", "这张照片里有几只猫", "图里的人在做什么",
    "这朵花叫什么名字", "把这段话翻译成英文", "牌子上写着什么字", "1 加 1 等于几", "讲个笑话",
    "你是谁", "你会说英语吗", "谢谢你", "这道数学题怎么解", "这只狗是什么品种", "推荐几部电影",
    "红烧肉怎么做", "北京有什么好玩的", "他穿的是什么颜色的衣服", "股票会涨吗",
    "画面左边的建筑是哪里", "解释一下量子力学", "这个菜辣不辣", "孩子发烧怎么办", "世界杯谁赢了",
    "怎么学好钢琴", "苹果手机怎么截图", "你喜欢什么音乐", "写一个排序算法", "这幅画是谁画的",
    "图中有没有红色的车", "what does the sign say?", "how many cats are there in this picture?",
    "write a poem about spring", "who won the world cup", "what colour is the car",
    "is this dish spicy?", "tell me a joke", "what is the weather like today",
    "translate this into Chinese", "hello",
)  # fmt: skip
# What is told at length, and what it is about.
STORIES = (
    (
        "你好，我爸爸以前在纺织厂上班，今年刚满六十，现在要办退休，听说你们那里可以开退休证明，"
        "想问问要去哪个窗口办，远不远",
        "退休证明",
    ),
    (
        "昨天我在食堂吃饭的时候手机不见了，找了一圈没有找到，有同学说可以去失物招领看看，"
        "但是我周末才有空，请问失物招领周末受理吗？",
        "失物招领",
    ),
    (
        "我家老人行动不便，腿脚不好，也不会用智能手机，想查一查五十年代的族谱，但他自己来不了，"
        "我是他的外孙，请问族谱查阅我可以替他代办吗，需要委托书吗",
        "族谱查阅",
    ),
    (
        "我想用洗衣机，可是不知道要不要钱，我身上只有手机，没带现金，洗衣机可以扫码支付吗",
        "洗衣机",
    ),
)


def pieces() -> list[Piece]:
    """Matter by matter, in each the aspects in their order."""
    return [
        Piece(f"p. {matter + 1}", says.format(m=name, n=matter + 3))
        for matter, name in enumerate(MATTERS)
        for says, _ in ASPECTS
    ]


def questions() -> list[tuple[str, str]]:
    """(what is asked, the text of the passage that answers it)."""
    return [
        (asks.format(m=name), says.format(m=name, n=matter + 3))
        for matter, name in enumerate(MATTERS)
        for says, asked in ASPECTS
        for asks in asked
    ]
