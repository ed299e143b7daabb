#![no_main]

wensheng_fuzz::source!("formbricks");
