#![no_main]

wensheng_fuzz::source!("typeform");
