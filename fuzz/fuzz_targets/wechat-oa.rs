#![no_main]

wensheng_fuzz::source!("wechat-oa");
