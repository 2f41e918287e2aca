//! `ip`, `network`, `mac`: addresses of machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// A machine's address: IPv4, now and then IPv6.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ip {}

/// A network with the bits of its mask: `10.20.0.0/16`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {}

/// The address of a network card.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mac {}

/// 10.0.0.0/8, in which all addresses lie: nobody on the internet has one.
const PRIVATE: u32 = 10 << 24;
const PRIVATE_COUNT: u64 = 1 << 24;
/// One address of so many is of the sixth version.
const ONE_IN: u64 = 16;

impl Recipe for Ip {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Addresses(place.picker(PRIVATE_COUNT, 0.0))))
    }

    fn choices(&self, _: &Place<'_>, fine: bool) -> Option<u64> {
        Some(if fine { 1 << 62 } else { PRIVATE_COUNT })
    }
}

impl Recipe for Network {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Networks(place.picker(NETWORKS, 0.0))))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(NETWORKS)
    }
}

impl Recipe for Mac {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Macs(place.picker(MACS, 0.0))))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(MACS)
    }
}

struct Addresses(Picker);

impl Make for Addresses {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        match &self.0 {
            Picker::Index(index) if index.count() > PRIVATE_COUNT => v6(index.at(row)),
            Picker::Index(index) => v4(index.at(row)),
            Picker::Chance { .. } if dice.below(ONE_IN) == 0 => v6(dice.roll()),
            Picker::Chance { .. } => v4(dice.below(PRIVATE_COUNT)),
        }
    }

    fn shape(&self) -> Shape {
        Shape::Ip
    }
}

fn v4(n: u64) -> Value<'static> {
    Value::Ip {
        address: IpAddr::V4(Ipv4Addr::from_bits(PRIVATE | n as u32)),
        bits: 32,
    }
}

/// In fd00::/8, which is private, too.
fn v6(n: u64) -> Value<'static> {
    Value::Ip {
        address: IpAddr::V6(Ipv6Addr::from_bits(0xfd << 120 | u128::from(n))),
        bits: 128,
    }
}

/// Networks of 256 addresses, of which there are 2^16, and in them of 16.
const NETWORKS: u64 = (1 << 16) + (1 << 20);

struct Networks(Picker);

impl Make for Networks {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let n = self.0.at(row, dice);
        let (address, bits) = match n.checked_sub(1 << 16) {
            None => (n << 8, 24),
            Some(n) => (n << 4, 28),
        };
        Value::Ip {
            address: IpAddr::V4(Ipv4Addr::from_bits(PRIVATE | address as u32)),
            bits,
        }
    }

    fn shape(&self) -> Shape {
        Shape::Ip
    }
}

/// Under one number of a maker, with the bit that says that it is none.
const MACS: u64 = 1 << 40;

struct Macs(Picker);

impl Make for Macs {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Mac(0x02 << 40 | self.0.at(row, dice))
    }

    fn shape(&self) -> Shape {
        Shape::Mac
    }
}
