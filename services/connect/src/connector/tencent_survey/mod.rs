//! Answers to 腾讯问卷 surveys are read through its API alone: what is pushed has no signature, so that it only says where
//! to look. What was changed or deleted is looked up once more, also after a restart.

mod answer;
mod config;
mod hook;
mod list;

pub use config::TencentSurveyConfig;
