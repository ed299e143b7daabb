//! What is masked, and what is not.

use super::number::is_bank_card;
use super::*;

fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    mask(&mut text, false, &mut Counts::default());
    text
}

fn masked_in_a_call(text: &str) -> String {
    let mut text = text.to_owned();
    mask(&mut text, true, &mut Counts::default());
    text
}

/// A card number with its Luhn digit.
fn card(head: &str) -> String {
    (0..10)
        .map(|digit| format!("{head}{digit}"))
        .find(|number| is_bank_card(number.as_bytes()))
        .unwrap()
}

#[test]
fn mobile_numbers_are_masked_however_they_are_written() {
    for text in [
        "电话13800138000谢谢",
        "电话138-0013-8000谢谢",
        "电话138 0013 8000谢谢",
        "电话+8613800138000谢谢",
        "电话86 13800138000谢谢",
    ] {
        let masked = masked(text);
        assert!(masked.contains("[手机号]谢谢"), "{text} → {masked}");
        assert!(!masked.contains("8000"), "{text} → {masked}");
    }
    assert_eq!(masked("打13800138000或13900139000"), "打[手机号]或[手机号]");
    assert_eq!(masked("13800138000 13900139000"), "[手机号] [手机号]");
}

#[test]
fn id_cards_are_masked_when_their_checksum_holds() {
    // The sample number of GB 11643-1999.
    assert_eq!(masked("身份证11010519491231002X。"), "身份证[身份证号]。");
    assert_eq!(masked("身份证11010519491231002x"), "身份证[身份证号]");
    assert_eq!(masked("440524188001010014"), "[身份证号]");
    assert_eq!(
        masked("身份证110105194912310021"),
        "身份证110105194912310021"
    );
}

#[test]
fn bank_cards_are_masked_when_their_luhn_digit_holds() {
    let number = card("622202123456789012");
    assert_eq!(masked(&format!("卡号{number}")), "卡号[银行卡号]");
    let spaced = format!(
        "{} {} {} {}",
        &number[..4],
        &number[4..8],
        &number[8..12],
        &number[12..]
    );
    assert_eq!(masked(&spaced), "[银行卡号]");
    let last = (number.as_bytes()[18] - b'0' + 1) % 10;
    let wrong = format!("{}{last}", &number[..18]);
    assert_eq!(masked(&wrong), wrong);
}

#[test]
fn e_mail_addresses_are_masked_and_mentions_are_not() {
    assert_eq!(masked("发到zhang.san@example.com.cn吧"), "发到[邮箱]吧");
    assert_eq!(masked("13800138000@example.com"), "[邮箱]");
    for text in ["@鹿汀茶饮 官方出来回应", "a@b", "价格@12.50", "好喝@@"] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn orders_prices_and_dates_stay() {
    for text in [
        "订单号202603011234567890123",
        "单号SF1380013800012",
        "2026-03-01 12:30:00",
        "花了12800元",
        "客服热线400-800-8820",
        "型号X13800138000",
        "12345678901",
        "订单 2026030112345678",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn the_event_tells_how_many_of_what_were_masked() {
    let mut feedback: FeedbackEvent = serde_json::from_value(serde_json::json!({
        "id": "1", "source": "s", "native_id": "1", "channel": "hotline", "brand": "b",
        "occurred_at": "2026-03-01T00:00:00Z", "observed_at": "2026-03-01T00:00:00Z",
        "text": "我13800138000,她13900139000",
        "attributes": {"contact": "a@example.com"},
        "provenance": {"connector": "files"}
    }))
    .unwrap();
    event(&mut feedback);
    assert_eq!(feedback.text, "我[手机号],她[手机号]");
    assert_eq!(feedback.attributes["contact"], "[邮箱]");
    assert_eq!(feedback.attributes["masked"], "mobile=2,email=1");
}

#[test]
fn fixed_phones_are_masked_and_hotlines_of_companies_are_not() {
    for text in [
        "打0571-88886666谢谢",
        "打(0571)88886666谢谢",
        "打（0571）8888 6666谢谢",
        "打010 62345678谢谢",
        "打02162345678谢谢",
        "打+86-755-26543210谢谢",
        "打0571-88886666转802谢谢",
        "座机：6234 5678谢谢",
    ] {
        let masked = masked(text);
        assert!(masked.ends_with("[电话号]谢谢"), "{text} → {masked}");
    }
    for text in [
        "热线400-800-8820",
        "电话4008008820",
        "电话800-820-8820",
        "拨打95588",
        "订单057188886666",
        "0571号房",
        "2026-0571-8888",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn plates_are_masked_and_models_are_not() {
    assert_eq!(masked("车牌浙A12B45，停在B2"), "车牌[车牌号]，停在B2");
    assert_eq!(masked("粤B·D12345的司机"), "[车牌号]的司机");
    assert_eq!(masked("沪AD12345"), "[车牌号]");
    assert_eq!(masked("京B12345D大巴"), "[车牌号]大巴");
    assert_eq!(masked("教练车苏E1234学"), "教练车[车牌号]");
    for text in ["最新A12345款", "苏宁A10234", "黑A股", "川B2", "新A12345678"] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn wechat_and_qq_ids_are_masked_where_the_words_before_say_so() {
    for (text, expected) in [
        ("加我微信：lan_tea88", "加我微信：[微信号]"),
        ("微信号是laowang2020", "微信号是[微信号]"),
        ("加V：tea668899吧", "加V：[微信号]吧"),
        ("vx 13800138000", "vx [微信号]"),
        ("QQ群：87654321", "QQ群：[QQ号]"),
        ("扣扣12345678找我", "扣扣[QQ号]找我"),
        ("加微信abc_12345", "加微信[微信号]"),
    ] {
        assert_eq!(masked(text), expected);
    }
    for text in [
        "微信支付12800元",
        "QQ音乐会员",
        "微信 iPhone版",
        "微信群500人",
        "显卡VX2000",
        "QQ 50000个粉",
        "加VIP会员",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn addresses_of_people_are_masked_and_places_are_not() {
    for (text, expected) in [
        ("住在西湖区文三路478号华星时代广场A座1201室", "住在[地址]"),
        ("收货地址：浙江省杭州市文三路100号", "收货地址：[地址]"),
        ("幸福里小区3栋2单元501，没送到", "[地址]，没送到"),
        ("寄到中山路18号", "寄到[地址]"),
    ] {
        assert_eq!(masked(text), expected);
    }
    for text in [
        "人民路店排队两小时",
        "地铁2号线",
        "中山路18号店",
        "小区18号停水",
        "3号楼的电梯",
        "西湖区1号店",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn names_are_masked_where_people_tell_them() {
    for (text, expected) in [
        ("我叫王小明，我要投诉", "我叫[姓名]，我要投诉"),
        ("我叫李芳我要退款", "我叫[姓名]我要退款"),
        ("免贵姓欧阳", "免贵姓[姓名]"),
        ("收货人：张三丰 电话打不通", "收货人：[姓名] 电话打不通"),
        ("尾号是8820的卡", "尾号是[尾号]的卡"),
    ] {
        assert_eq!(masked(text), expected);
    }
    for text in [
        "我叫外卖等了两小时",
        "我叫高德打车",
        "收货人不在家",
        "联系人方式不对",
        "我姓什么你知道",
        "王先生牛肉面",
    ] {
        assert_eq!(masked(text), text);
    }
    assert_eq!(
        masked_in_a_call("好的王先生，请稍等"),
        "好的[姓名]先生，请稍等"
    );
    assert_eq!(masked_in_a_call("请问是陈晓丽女士吗"), "请问是[姓名]女士吗");
    assert_eq!(masked_in_a_call("任何女士都可以"), "任何女士都可以");
}

#[test]
fn numbers_that_were_spelt_out_or_written_wide_are_masked() {
    assert_eq!(masked("号码是幺三八零零幺三八零零零"), "号码是[手机号]");
    assert_eq!(masked("电话１３８００１３８０００"), "电话[手机号]");
    assert_eq!(masked("一二三四五六七八九"), "一二三四五六七八九");
}

#[test]
fn attributes_are_read_with_their_names_and_pages_keep_their_path() {
    let mut feedback: FeedbackEvent = serde_json::from_value(serde_json::json!({
        "id": "1", "source": "s", "native_id": "1", "channel": "weibo", "brand": "b",
        "occurred_at": "2026-03-01T00:00:00Z", "observed_at": "2026-03-01T00:00:00Z", "text": "x",
        "url": "https://example.com/13800138000/p?tel=13800138000",
        "attributes": {"收货人": "王", "order_id": "13", "微信": "abc", "备注": "QQ87654321", "订单号": "057188886666"},
        "provenance": {"connector": "files"}
    }))
    .unwrap();
    event(&mut feedback);
    assert_eq!(
        feedback.url.unwrap(),
        "https://example.com/13800138000/p?tel=[手机号]"
    );
    let told: Vec<&str> = ["收货人", "order_id", "微信", "备注", "订单号", "masked"]
        .iter()
        .map(|name| feedback.attributes[*name].as_str())
        .collect();
    assert_eq!(
        told,
        [
            "[姓名]",
            "13",
            "[微信号]",
            "QQ[QQ号]",
            "057188886666",
            "mobile=1,wechat=1,qq=1,name=1"
        ]
    );
}
