//! Failures, and the faults of instances that are made of them.

use js_sys::{Promise, Reflect};
use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::document::{from_text, value_text};
use super::error::{Result, describe};
use super::options::{self, Given, options, record};
use super::record::{ToJs, object};
use crate::fault;

record! {
    /// A failure as data: what Nova sees of an exception and its traceback.
    pub struct Failure {
        /// The name of the class, without its module: `NoValidHost`.
        class_name: String,
        /// The failure as text: Python's `str(e)`.
        text: String,
        /// The `code` among the keyword arguments that the exception keeps, where null is one too. Without one the code
        /// of a fault is 500.
        #[tsify(optional, type = "Value")]
        code: Given,
        /// The `value` among them: what an error that came over the wire says. Read in grizzly.
        #[tsify(optional, type = "Value")]
        value: Given,
        /// What `format_message()` gives. Read in hibiscus.
        #[tsify(optional, type = "string | null")]
        formatted_message: Option<String>,
        /// The exception as Python's `repr` shows it; without one, it is made of the class name and the text.
        #[tsify(optional, type = "string | null")]
        representation: Option<String>,
        /// The frames, printed, without heading and closing line.
        #[tsify(optional, type = "string | null")]
        traceback: Option<String>,
        /// The exception as the interpreter prints it; without one, it is made of the traceback, the class name and the
        /// text.
        #[tsify(optional, type = "string | null")]
        formatted_exception: Option<String>,
    }
}

/// What was thrown as a failure: a record of one, or any JavaScript error, whose name and message stand for class name
/// and text, and whose stack for traceback and formatted exception. Of a `NovaError` the code is the class name, and
/// the message may be shown.
pub fn failure(thrown: &JsValue) -> Result<fault::Failure> {
    if member(thrown, "class_name").is_string() {
        return record(thrown);
    }
    let (code, text) = describe_text(thrown);
    let name = member(thrown, "name").as_string();
    let is_nova = name.as_deref() == Some("NovaError");
    let class_name = if is_nova { code } else { name.unwrap_or(code) };
    let stack = member(thrown, "stack").as_string();
    Ok(fault::Failure {
        formatted_message: is_nova.then(|| text.clone()),
        traceback: stack.as_deref().map(places),
        formatted_exception: stack,
        ..fault::Failure::new(class_name, text)
    })
}

fn record(thrown: &JsValue) -> Result<fault::Failure> {
    let failure: Failure = options::value(thrown, "fault")?;
    Ok(fault::Failure {
        class_name: failure.class_name,
        text: failure.text,
        code: value_text(&failure.code.0, "fault.code")?,
        value: value_text(&failure.value.0, "fault.value")?,
        formatted_message: failure.formatted_message,
        representation: failure.representation,
        traceback: failure.traceback,
        formatted_exception: failure.formatted_exception,
    })
}

fn member(value: &JsValue, name: &str) -> JsValue {
    if !value.is_object() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

fn describe_text(thrown: &JsValue) -> (String, String) {
    let described = describe(thrown);
    let text = |at| described.get(at).as_string().unwrap_or_default();
    (text(0), text(1))
}

/// The lines of a stack that name places: V8 writes `at …`, the others `…@…`.
fn places(stack: &str) -> String {
    let is_place = |line: &&str| line.trim_start().starts_with("at ") || line.contains('@');
    stack.lines().filter(is_place).flat_map(|line| [line, "\n"]).collect()
}

options! {
    /// Which failure is told of, and how.
    pub struct ExceptionToDictOptions {
        /// What was thrown: any error, or a record of one.
        #[tsify(type = "unknown")]
        fault: Given,
        /// The message that is to stand in place of the failure's own.
        #[tsify(optional, type = "string | null")]
        message: Option<String>,
    }
}

/// What a notification or a fault says of a failure. Nova: `exception_to_dict`, hibiscus.
///
/// The message is the one given unless that is empty, else the formatted message, else the name of the class: the
/// text of a failure that is not Nova's never leaks.
#[wasm_bindgen(js_name = exceptionToDict, unchecked_return_type = "ExceptionDict")]
pub fn exception_to_dict(options: &Ts<ExceptionToDictOptions>) -> Result<JsValue> {
    let ExceptionToDictOptions { fault, message } = options::read(options)?;
    let fault = failure(&fault.0)?;
    let dict = fault::exception_to_dict(&fault, message.as_deref())?;
    Ok(object(&[
        ("exception", dict.exception.to_js()),
        ("message", dict.message.to_js()),
        ("code", from_text(dict.code.as_str())?),
    ]))
}

options! {
    /// Which text is cut, and where.
    pub struct SafeTruncateOptions {
        /// The text.
        value: String,
        /// How many bytes of UTF-8 are kept; negative, how many at the end are not.
        #[tsify(type = "Integer")]
        length: i64,
    }
}

/// The first bytes of a text, and no split character. Nova: `safe_truncate`, hibiscus.
#[wasm_bindgen(js_name = safeTruncate)]
pub fn safe_truncate(options: &Ts<SafeTruncateOptions>) -> Result<String> {
    let SafeTruncateOptions { value, length } = options::read(options)?;
    Ok(fault::safe_truncate(&value, length).to_owned())
}

options! {
    /// Which fault to record, of which instance.
    pub struct AddInstanceFaultFromExcOptions {
        /// The instance.
        instance_uuid: String,
        /// What was thrown: any error, or a record of one.
        #[tsify(type = "unknown")]
        fault: Given,
        /// The message that is to stand in place of the failure's own. Read in hibiscus.
        #[tsify(optional, type = "string | null")]
        fault_message: Option<String>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Record what befell an instance. Nova: `add_instance_fault_from_exc`.
    #[wasm_bindgen(js_name = addInstanceFaultFromExc, unchecked_return_type = "Promise<void>")]
    pub fn add_instance_fault_from_exc(&self, options: Ts<AddInstanceFaultFromExcOptions>) -> Promise {
        self.call(async move |config, services| {
            let AddInstanceFaultFromExcOptions { instance_uuid, fault, fault_message } = options::read(&options)?;
            let (fault, message) = (failure(&fault.0)?, fault_message.as_deref());
            fault::add_instance_fault_from_exc(services, config, &instance_uuid, &fault, message).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// What was thrown by the work that is reported.
pub struct Body(pub JsValue);

/// Where it cannot be read, it failed all the same.
impl From<&Body> for fault::Failure {
    fn from(Body(thrown): &Body) -> Self {
        failure(thrown).unwrap_or_else(|_| Self::new("Error", "what was thrown cannot be read"))
    }
}
