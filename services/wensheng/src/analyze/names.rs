//! What a page calls the values of an analysis, in Chinese.

use wensheng_text::{
    Emotion, EntityKind, Intent, JourneyStage, Polarity, RuleLevel, Scope, Urgency,
};

pub(super) fn polarity_name(polarity: Polarity) -> &'static str {
    match polarity {
        Polarity::Negative => "负面",
        Polarity::Neutral => "中性",
        Polarity::Positive => "正面",
    }
}

pub(super) fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Plain => "直述",
        Scope::Negated => "否定",
        Scope::DoubleNegated => "双重否定",
        Scope::Degree => "程度",
        Scope::Question => "疑问",
        Scope::Rhetorical => "反问",
        Scope::Supposed => "假设",
        Scope::Conceded => "让步",
        Scope::Stressed => "转折强调",
    }
}

pub(super) fn intent_name(intent: Intent) -> &'static str {
    match intent {
        Intent::Complaint => "投诉",
        Intent::Enquiry => "咨询",
        Intent::Suggestion => "建议",
        Intent::Praise => "表扬",
        Intent::HelpRequest => "求助",
        Intent::Threat => "威胁曝光或维权",
        Intent::Churn => "流失",
    }
}

pub(super) fn level_name(level: RuleLevel) -> &'static str {
    match level {
        RuleLevel::Yellow => "黄",
        RuleLevel::Orange => "橙",
        RuleLevel::Red => "红",
    }
}

pub(super) fn level_id(level: RuleLevel) -> &'static str {
    match level {
        RuleLevel::Yellow => "yellow",
        RuleLevel::Orange => "orange",
        RuleLevel::Red => "red",
    }
}

pub(super) fn urgency_name(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::None => "不急",
        Urgency::Waiting => "待答复",
        Urgency::Pressing => "当日处理",
        Urgency::Immediate => "立即处理",
    }
}

pub(super) fn emotion_name(emotion: Emotion) -> &'static str {
    match emotion {
        Emotion::Happy => "高兴",
        Emotion::Angry => "愤怒",
        Emotion::Sad => "难过",
        Emotion::Fear => "担心",
        Emotion::Surprise => "惊讶",
        Emotion::Neutral => "平静",
    }
}

pub(super) fn stage_name(stage: JourneyStage) -> &'static str {
    match stage {
        JourneyStage::Awareness => "了解",
        JourneyStage::Purchase => "购买",
        JourneyStage::Use => "使用",
        JourneyStage::AfterSales => "售后",
        JourneyStage::Loyalty => "忠诚",
    }
}

pub(super) fn entity_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Brand => "品牌",
        EntityKind::Product => "产品",
        EntityKind::Store => "门店",
        EntityKind::Money => "金额",
        EntityKind::Date => "日期",
        EntityKind::OrderNumber => "单号",
    }
}
