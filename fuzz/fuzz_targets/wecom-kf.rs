#![no_main]

wensheng_fuzz::source!("wecom-kf");
