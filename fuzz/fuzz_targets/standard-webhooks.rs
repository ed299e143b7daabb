#![no_main]

wensheng_fuzz::source!("standard-webhooks");
