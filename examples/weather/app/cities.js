// What each version of the app shows. The figures are samples: the app is about releases, not about weather.
const cities = {
  1: {
    city: "Hyderabad",
    country: "India",
    condition: "Sunny",
    icon: "sun",
    temperature: 31,
    feelsLike: 33,
    humidity: 48,
    wind: 11,
    days: [
      { day: "Mon", icon: "sun", high: 32, low: 21 },
      { day: "Tue", icon: "sun", high: 33, low: 22 },
      { day: "Wed", icon: "cloud", high: 30, low: 21 },
      { day: "Thu", icon: "rain", high: 27, low: 20 },
      { day: "Fri", icon: "sun", high: 31, low: 20 },
    ],
  },
  2: {
    city: "New York",
    country: "United States",
    condition: "Partly cloudy",
    icon: "cloud",
    temperature: 14,
    feelsLike: 12,
    humidity: 62,
    wind: 19,
    days: [
      { day: "Mon", icon: "cloud", high: 15, low: 8 },
      { day: "Tue", icon: "rain", high: 12, low: 7 },
      { day: "Wed", icon: "rain", high: 11, low: 6 },
      { day: "Thu", icon: "cloud", high: 13, low: 7 },
      { day: "Fri", icon: "sun", high: 16, low: 8 },
    ],
  },
};

export function weatherOf(version) {
  return cities[version] ?? cities[1];
}
