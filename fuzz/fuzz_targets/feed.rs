#![no_main]

wensheng_fuzz::source!("feed");
