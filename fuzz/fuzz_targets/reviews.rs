#![no_main]

wensheng_fuzz::source!("reviews");
