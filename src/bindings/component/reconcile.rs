//! The interface `reconcile`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::reconcile::{self, Guest};
use super::record::{FromWit, ToWit, read};
use super::verify::parse;
use super::{Component, Result};
use crate::Error;
use crate::instance::Instance;
use crate::reconcile::{FieldDifference, Finding, ReconcileOptions, ReconcileTotals, Reconciliation, Verdict};

records! {
    ReconcileOptions {
        bdms_in_notifications, include_share_mapping, host, fields; release, window, notification_format, context
    }: from reconcile;
    Verdict [Equal, Missing, Doubled, Different, Unexpected, OtherWindow]: to reconcile;
    FieldDifference { field, expected, received }: to reconcile;
    Finding { event_type, message_ids, hours; verdict, fields, window }: to reconcile;
    Reconciliation { instance_uuid, project_id, hours; findings }: to reconcile;
}

impl Guest for Component {
    fn reconcile_instance(
        options: reconcile::ReconcileOptions,
        instance: Option<String>,
        notifications: Vec<String>,
    ) -> Result<reconcile::Reconciliation> {
        let instance = instance.as_deref().map(Instance::parse).transpose()?;
        crate::reconcile::reconcile_instance(&read(options)?, instance.as_ref(), &parse(&notifications)?).to_wit()
    }

    fn reconcile_ndjson(options: reconcile::ReconcileOptions, first_line: u64, text: String) -> Result<String> {
        let mut output = String::new();
        crate::reconcile::reconcile_ndjson(&read(options)?, first_line, &text, &mut output);
        Ok(output)
    }

    fn reconcile_totals(text: String) -> Result<String> {
        let mut totals = ReconcileTotals::default();
        totals.add_ndjson(&text)?;
        Ok(totals.to_json())
    }
}
