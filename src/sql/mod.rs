//! Parse, bind, plan, execute.
