#![no_main]

wensheng_fuzz::source!("wjx-redirect");
