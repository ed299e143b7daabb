//! A file that follows a documented template needs no columns configured; what is configured goes before the template.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_schemas::Channel;

use super::config::{Column, FilesConfig};
use crate::field::Field;
use crate::scale::Scale;
use crate::survey::{QuestionConfig, QuestionKind, Surveys};

/// A template, see `docs/connectors/files.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PresetChoice {
    /// Face-to-face interviews, an answer a row.
    Interview,
    /// Notes of mystery shoppers, an observation a row.
    MysteryShopper,
    /// Reviews exported from a shop on JD (京东).
    JdReviews,
    /// Reviews exported from a shop on Tmall or Taobao (天猫, 淘宝).
    TmallReviews,
    /// Reviews exported from Dianping or Meituan (大众点评, 美团).
    DianpingReviews,
}

/// A field, and the names that its column may have: exports differ from year to year, and the first that is there counts.
type Named = (Field, &'static [&'static str]);

/// What a template knows.
struct Template {
    channel: Channel,
    columns: &'static [Named],
    attributes: &'static [&'static str],
    /// Columns of stars; the first that is there is the satisfaction.
    stars: &'static [&'static str],
    /// Columns of stars for something in particular.
    aspects: &'static [&'static str],
}

/// Whom and where it is about.
const SUBJECT: [Named; 4] = [
    (Field::Brand, &["品牌"]),
    (Field::Product, &["产品"]),
    (Field::Store, &["门店"]),
    (Field::Region, &["地区"]),
];

const INTERVIEW: Template = Template {
    channel: Channel::Interview,
    columns: &[
        (Field::Id, &["访谈编号"]),
        (Field::OccurredAt, &["访谈时间"]),
        (Field::Text, &["访谈内容"]),
        (Field::Author, &["受访者"]),
        (Field::Nps, &["推荐意愿"]),
        (Field::Csat, &["满意度"]),
        (Field::Ces, &["省力程度"]),
        SUBJECT[0],
        SUBJECT[1],
        SUBJECT[2],
        SUBJECT[3],
    ],
    attributes: &["问题", "访谈方式"],
    stars: &[],
    aspects: &[],
};

const MYSTERY_SHOPPER: Template = Template {
    channel: Channel::Interview,
    columns: &[
        (Field::Id, &["暗访编号"]),
        (Field::OccurredAt, &["暗访时间"]),
        (Field::Text, &["观察记录"]),
        (Field::Csat, &["满意度"]),
        SUBJECT[0],
        SUBJECT[1],
        SUBJECT[2],
        SUBJECT[3],
    ],
    attributes: &["检查项", "得分", "满分"],
    stars: &[],
    aspects: &[],
};

const JD_REVIEWS: Template = Template {
    channel: Channel::Review,
    columns: &[
        (Field::Id, &["评价编号", "评价ID", "评论ID", "评论编号"]),
        (Field::Text, &["评价内容", "评论内容"]),
        (Field::OccurredAt, &["评价时间", "评论时间"]),
        (
            Field::Author,
            &["用户账号", "用户名", "用户昵称", "客户账号"],
        ),
        (Field::Product, &["商品名称", "商品标题"]),
        (Field::Store, &["店铺名称", "店铺"]),
        (Field::Brand, &["品牌", "品牌名称"]),
        (Field::Region, &["地区", "省份"]),
        (Field::Likes, &["点赞数", "有用数"]),
    ],
    attributes: &[
        "订单编号",
        "订单号",
        "商品编号",
        "SKU",
        "追评内容",
        "商家回复",
    ],
    stars: &["评分", "评价星级", "星级", "评价等级"],
    aspects: &["物流评分", "服务评分", "商品评分"],
};

const TMALL_REVIEWS: Template = Template {
    channel: Channel::Review,
    columns: &[
        (Field::Id, &["评价编号", "评价ID", "子订单编号", "子订单号"]),
        (Field::Text, &["评价内容", "初评内容", "初评", "评论内容"]),
        (Field::OccurredAt, &["评价时间", "初评时间", "评论时间"]),
        (Field::Author, &["买家会员名", "买家昵称", "评价人"]),
        (
            Field::Product,
            &["商品标题", "宝贝标题", "商品名称", "宝贝名称"],
        ),
        (Field::Store, &["店铺名称", "店铺"]),
        (Field::Brand, &["品牌", "品牌名称"]),
        (Field::Region, &["地区", "省份"]),
    ],
    attributes: &[
        "订单编号",
        "主订单编号",
        "商品ID",
        "追评内容",
        "追评时间",
        "商家回复",
        "SKU",
    ],
    stars: &["评价等级", "评价类型", "评价结果", "评分", "星级"],
    aspects: &["描述相符", "服务态度", "物流服务"],
};

const DIANPING_REVIEWS: Template = Template {
    channel: Channel::Review,
    columns: &[
        (Field::Id, &["评价ID", "评价编号", "点评ID", "点评编号"]),
        (Field::Text, &["评价内容", "点评内容", "评论内容"]),
        (Field::OccurredAt, &["评价时间", "点评时间", "评论时间"]),
        (Field::Author, &["用户昵称", "用户名", "用户ID"]),
        (Field::Product, &["团购名称", "商品名称", "菜品"]),
        (Field::Store, &["门店名称", "门店", "店铺名称"]),
        (Field::Brand, &["品牌", "品牌名称"]),
        (Field::Region, &["城市", "地区"]),
        (Field::Likes, &["点赞数", "赞"]),
    ],
    attributes: &["评价来源", "平台", "订单号", "人均", "推荐菜", "商家回复"],
    stars: &["总评分", "总体评分", "综合评分", "星级", "评分"],
    aspects: &["口味", "环境", "服务", "食材", "包装", "配送"],
};

impl PresetChoice {
    const fn template(self) -> &'static Template {
        match self {
            PresetChoice::Interview => &INTERVIEW,
            PresetChoice::MysteryShopper => &MYSTERY_SHOPPER,
            PresetChoice::JdReviews => &JD_REVIEWS,
            PresetChoice::TmallReviews => &TMALL_REVIEWS,
            PresetChoice::DianpingReviews => &DIANPING_REVIEWS,
        }
    }

    /// The channel of the template.
    pub(super) const fn channel(self) -> Channel {
        self.template().channel
    }

    /// The columns of the template that are questions.
    fn questions(self) -> impl Iterator<Item = QuestionConfig> {
        let template = self.template();
        let stars = template.stars.iter().map(|name| (name, QuestionKind::Csat));
        let aspects = template.aspects.iter();
        let aspects = aspects.map(|name| (name, QuestionKind::Scale));
        stars.chain(aspects).map(|(name, kind)| QuestionConfig {
            question: (*name).to_owned(),
            kind,
            // Half stars are rounded, halves up.
            scale: Some(Scale {
                from: 1,
                to: 5,
                reversed: false,
            }),
            labels: stars_in_words(),
            name: None,
        })
    }
}

/// How platforms write stars.
fn stars_in_words() -> BTreeMap<String, f64> {
    let mut labels = BTreeMap::from([("好评", 5.0), ("中评", 3.0), ("差评", 1.0)])
        .into_iter()
        .map(|(name, stars)| (name.to_owned(), stars))
        .collect::<BTreeMap<_, _>>();
    for (stars, word) in ["一", "二", "三", "四", "五"].into_iter().enumerate() {
        let number = stars + 1;
        let value = number as f64;
        for written in [
            format!("{number}星"),
            format!("{number}分"),
            format!("{word}星"),
            "★".repeat(number),
            "★".repeat(number) + &"☆".repeat(5 - number),
        ] {
            labels.insert(written, value);
        }
    }
    labels
}

/// A column to look for.
#[derive(Debug, Clone)]
pub(super) struct Wanted<T> {
    pub(super) what: T,
    /// The names it may have; the first that is there counts.
    pub(super) columns: Vec<Column>,
    /// A file without it is wrong; of a template, only the text must be there.
    pub(super) required: bool,
}

impl FilesConfig {
    /// The columns of fields, as configured or by the template.
    pub(super) fn wanted(&self) -> Vec<Wanted<Field>> {
        let is_default = |field, column: &Column| {
            field == Field::Text && *column == Column::Name("text".to_owned())
        };
        let mut wanted: Vec<Wanted<Field>> = self
            .columns
            .mapped()
            .filter(|(field, column)| self.preset.is_none() || !is_default(*field, column))
            .map(|(what, column)| Wanted {
                what,
                columns: vec![column.clone()],
                required: true,
            })
            .collect();
        let templates = self.preset.iter().map(|preset| preset.template());
        for (what, names) in templates.flat_map(|template| template.columns) {
            if !wanted.iter().any(|own| own.what == *what) {
                let columns = names.iter().map(|name| Column::Name((*name).to_owned()));
                wanted.push(Wanted {
                    what: *what,
                    columns: columns.collect(),
                    required: *what == Field::Text,
                });
            }
        }
        wanted
    }

    /// The columns of attributes, as configured and by the template.
    pub(super) fn wanted_attributes(&self) -> Vec<Wanted<()>> {
        let own = self.attributes.iter().map(|column| Wanted {
            what: (),
            columns: vec![column.clone()],
            required: true,
        });
        let templates = self.preset.iter().map(|preset| preset.template());
        let of_preset = templates.flat_map(|template| template.attributes);
        let of_preset = of_preset.map(|name| Wanted {
            what: (),
            columns: vec![Column::Name((*name).to_owned())],
            required: false,
        });
        own.chain(of_preset).collect()
    }

    /// The columns that are questions, as configured and by the template.
    pub(super) fn surveys(&self) -> Result<Surveys, String> {
        let own = self.questions.iter().cloned();
        let of_preset = self.preset.iter().flat_map(|preset| preset.questions());
        let questions: Vec<QuestionConfig> = own.chain(of_preset).collect();
        Surveys::new(&[], &questions)
    }
}
