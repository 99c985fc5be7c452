"""A shop that writes Chinese, Japanese, Korean or Thai is found and quoted like any other.

Whether the model for many languages is installed or not: without it words alone decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from knowledge import lexical
from knowledge.engine.catalogue import best_for
from knowledge.models import Passage
from tests.house import Tenant


@dataclass(frozen=True)
class Shop:
    language: str
    hours: str
    delivery: str
    returns: str
    asked: dict[str, str]  # a question, and a word of the passage that has to come first
    answered: dict[str, str]  # a question, and what the quotation says
    refused: list[str]


CHINESE = Shop(
    "chinese",
    hours="# 营业时间\n\n本店每天上午九点开门，下午六点关门。星期日和节假日不营业。",
    delivery="# 送货\n\n全国范围内两天送达，运费五元。订单满一百元免运费。",
    returns="# 退货政策\n\n您可以在收到商品后六十天内退货。收到退货后，我们会在十天内退款。",
    asked={
        "几点开门？": "九点",
        "星期日营业吗？": "星期日",
        "运费多少钱？": "五元",
        "怎样免运费？": "一百元",
        "可以退货吗？": "六十天",
        "什么时候退款？": "十天",
    },
    answered={"几点开门？": "上午九点开门", "可以退货吗？": "六十天内退货"},
    refused=["法国的首都是哪里？", "今天天气怎么样？", "你们卖手机吗？"],
)
JAPANESE = Shop(
    "japanese",
    hours="# 営業時間\n\n毎日午前九時に開店し、午後六時に閉店します。日曜日と祝日は休業です。",
    delivery="# 配送\n\n全国に二日以内に届きます。送料は五百円です。一万円以上は送料無料です。",
    returns="# 返品\n\n商品到着後六十日以内であれば返品できます。返金は十日以内に行います。",
    asked={
        "何時に開店しますか？": "九時",
        "日曜日は営業していますか？": "日曜日",
        "送料はいくらですか？": "五百円",
        "返品できますか？": "六十日",
        "返金はいつですか？": "十日",
    },
    answered={"何時に開店しますか？": "午前九時に開店", "返品できますか？": "六十日以内"},
    refused=[
        "フランスの首都はどこですか？",
        "今日の天気はどうですか？",
        "電話番号を教えてください",
    ],
)
KOREAN = Shop(
    "korean",
    hours=(
        "# 영업시간\n\n매장은 매일 오전 아홉 시에 문을 열고 오후 여섯 시에 닫습니다. "
        "일요일과 공휴일에는 쉽니다."
    ),
    delivery=(
        "# 배송\n\n전국 어디든 이틀 안에 배송됩니다. 배송비는 오천 원입니다. "
        "십만 원 이상 주문하시면 배송비가 무료입니다."
    ),
    returns=(
        "# 반품 정책\n\n상품을 받은 날부터 육십 일 이내에 반품할 수 있습니다. "
        "환불은 열흘 안에 이루어집니다."
    ),
    asked={
        "몇 시에 문을 여나요?": "아홉 시",
        "일요일에 영업하나요?": "일요일",
        "배송비는 얼마인가요?": "오천 원",
        "반품할 수 있나요?": "육십 일",
        "환불은 언제 되나요?": "열흘",
    },
    answered={"일요일에 영업하나요?": "쉽니다"},
    refused=["프랑스의 수도는 어디인가요?", "오늘 날씨 어때요?", "주차장이 있나요?"],
)
THAI = Shop(
    "thai",
    hours=("# เวลาทำการ\n\nร้านเปิดทุกวันเวลาเก้าโมงเช้าและปิดหกโมงเย็น วันอาทิตย์และวันหยุดราชการร้านปิด"),
    delivery="# การจัดส่ง\n\nจัดส่งทั่วประเทศภายในสองวัน ค่าส่งห้าสิบบาท สั่งซื้อครบหนึ่งพันบาทส่งฟรี",
    returns="# การคืนสินค้า\n\nคุณสามารถคืนสินค้าได้ภายในหกสิบวันหลังจากได้รับสินค้า เราจะคืนเงินภายในสิบวัน",
    asked={
        "ร้านเปิดกี่โมง": "เก้าโมงเช้า",
        "วันอาทิตย์เปิดไหม": "วันอาทิตย์",
        "จัดส่งกี่วัน": "สองวัน",
        "คืนสินค้าได้ไหม": "หกสิบวัน",
    },
    answered={},  # by the model for many languages its sentences are too far from the questions
    refused=["เมืองหลวงของฝรั่งเศสคืออะไร", "มีที่จอดรถไหม", "ขายโทรศัพท์ไหม"],
)


@pytest.mark.parametrize("its", [CHINESE, JAPANESE, KOREAN, THAI], ids=lambda its: its.language)
def test_a_shop_is_found_and_quoted_in_its_language(shop: Tenant, its: Shop) -> None:
    for name, text in (("1.md", its.hours), ("2.md", its.delivery), ("3.md", its.returns)):
        assert shop.learn(name, text)["status"] == "ready"
    shop.base.refresh_from_db()
    assert shop.base.language == its.language
    assert shop.base.embedding_model == best_for(its.language)
    for question, expected in its.asked.items():
        assert expected in shop.search(question)[0]["text"], question
        (named,) = lexical.best(lexical.prepare(shop.base, question), 1)
        assert expected in Passage.objects.get(pk=named).text, question
    visitor = shop.visitor()
    for question, expected in its.answered.items():
        reply = visitor.ask(question).json()
        assert reply["answered"], question
        assert expected in reply["answer"], question
        assert reply["citations"], question
    for question in its.refused:
        assert not visitor.ask(question).json()["answered"], question


def test_an_english_shop_refuses_what_its_model_cannot_read(shop: Tenant) -> None:
    shop.learn(
        "hours.md",
        "# Opening hours\n\nThe shop opens at nine in the morning and closes at six. "
        "On Sundays and on public holidays it stays closed.",
    )
    visitor = shop.visitor()
    for shop_of in (CHINESE, JAPANESE, KOREAN, THAI):
        for question in shop_of.refused:
            assert not visitor.ask(question).json()["answered"], question
    assert shop.search("几点开门？"), "a chat model may still read what there is"
