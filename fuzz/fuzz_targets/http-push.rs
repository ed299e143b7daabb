#![no_main]

wensheng_fuzz::source!("http-push");
