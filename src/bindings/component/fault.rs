//! The interfaces `fault` and `fault-add`.

use std::prelude::v1::*;

use super::exports::nova::compute_utils::fault::{ExceptionDict, Failure, Guest};
use super::record::{ToWit, read};
use super::{Component, Result};

impl Guest for Component {
    functions! { fault, ToWit::to_wit;
        fn exception_to_dict(fault: Failure, message: Option<String>)
            -> Result<ExceptionDict> = &read(fault)?, message.as_deref();

        fn safe_truncate(value: String, length: i64) -> String = &value, length;
    }
}

#[cfg(not(feature = "component-pure"))]
mod add {
    use super::super::exports::nova::compute_utils::fault_add::{Context, Guest, Release};
    use super::super::imports::{Imports, run};
    use super::{Component, Failure, Result, String, read};

    impl Guest for Component {
        functions! { fault, run;
            fn add_instance_fault_from_exc(context: Context, release: Release, host: String, instance_uuid: String,
                fault: Failure, fault_message: Option<String>)
                -> Result<()> = &Imports, &read(context)?, read(release)?, &host, &instance_uuid, &read(fault)?,
                    fault_message.as_deref();
        }
    }
}
