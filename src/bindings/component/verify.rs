//! The interface `verify`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::verify::{self, Guest};
use super::record::ToWit;
use super::{Component, Result};
use crate::Error;
use crate::notification::ReceivedNotification;
use crate::verify::{Judgement, VerifyOptions, VerifyVerdict};

records! {
    VerifyVerdict [Verified, Failed, Warnings]: to verify;
    Judgement { exists, message_id, code, error, warnings; verdict }: to verify;
}

impl Guest for Component {
    functions! { verify, ToWit::to_wit;
        fn verify_usage(notifications: Vec<String>, fields: Option<Vec<String>>)
            -> Result<Vec<verify::Judgement>> = &parse(&notifications)?, &options(fields);
    }

    fn verify_ndjson(fields: Option<Vec<String>>, first_line: u64, text: String) -> String {
        let mut output = String::new();
        crate::verify::verify_ndjson(&options(fields), first_line, &text, &mut output);
        output
    }
}

fn options(fields: Option<Vec<String>>) -> VerifyOptions {
    fields.map_or_else(VerifyOptions::default, |fields| VerifyOptions { fields })
}

/// Reads notifications.
pub(super) fn parse(notifications: &[String]) -> Result<Vec<ReceivedNotification>, Error> {
    notifications.iter().map(|notification| ReceivedNotification::parse(notification)).collect()
}
