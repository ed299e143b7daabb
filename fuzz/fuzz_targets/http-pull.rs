#![no_main]

wensheng_fuzz::source!("http-pull");
