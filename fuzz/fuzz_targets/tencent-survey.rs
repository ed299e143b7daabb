#![no_main]

wensheng_fuzz::source!("tencent-survey");
