"""Other names of the fields, as the columns of people's files call them, in English and Italian."""

# Kind -> field -> names, without accents; capitals and punctuation do not matter.
ALIASES: dict[str, dict[str, str]] = {
    "customers": {
        "source_id": (
            "client id, cod cliente, codice cliente, crm id, customer id, customer number, external "
            "id, id, id cliente, numero cliente"
        ),
        "email": "e mail, email address, indirizzo email, mail, posta elettronica",
        "phone": "cell, cellulare, mobile, phone number, tel, telefono, telephone",
        "loyalty_card": "card, card number, carta fedelta, fidelity card, numero tessera, tessera",
        "tax_code": "cf, codice fiscale, fiscal code",
        "kind": "tipo cliente, customer type, tipo",
        "first_name": "firstname, forename, given name, name, nome",
        "last_name": "cognome, family name, lastname, surname",
        "birth_date": "birthdate, birthday, data di nascita, data nascita, date of birth, dob, nascita",
        "language": "lang, lingua, locale",
        "timezone": "fuso orario, time zone",
        "street": "address, indirizzo, street address, via",
        "postcode": "cap, codice postale, postal code, zip, zip code",
        "city": "citta, comune, localita, town",
        "region": "province, provincia, regione, state",
        "country": "nation, nazione, paese, stato",
        "consent.email.marketing": (
            "accepts marketing, consenso email, consenso marketing, consent, email consent, email opt "
            "in, marketing consent, newsletter, privacy marketing"
        ),
        "consent.sms.marketing": "consenso sms, sms consent, sms opt in",
        "consent.phone.marketing": "consenso telefono, phone consent",
        "consent.post.marketing": "consenso posta, post consent",
        "consent.email.profiling": "consenso profilazione, profilazione, profiling consent",
        "consent_at": "consent date, data consenso, opt-in date",
        "proof": "evidence, prova",
    },
    "orders": {
        "source_id": (
            "documento, id, id ordine, numero ordine, numero scontrino, order, order id, order "
            "number, ordine, receipt, scontrino, transaction id"
        ),
        "ordered_at": (
            "created at, data, data acquisto, data ora, data ordine, date, datetime, order date, "
            "purchase date, timestamp"
        ),
        "currency": "divisa, valuta",
        "status": "order status, stato",
        "shipping_amount": "shipping, spedizione, spese di spedizione",
        "customer.source_id": (
            "client id, cod cliente, codice cliente, customer id, customer number, id cliente, numero cliente"
        ),
        "customer.email": "customer email, e mail, email, email cliente, mail",
        "customer.id": "customer uuid, fidelio id, public id",
        "sales_channel": "canale, canale di vendita, channel",
        "store": "codice negozio, negozio, pdv, punto vendita, shop, store code",
        "business_unit": "divisione, unit",
        "lines.sku": ("article, articolo, codice articolo, ean, item, prodotto, product, product id, sku"),
        "lines.quantity": "pezzi, qta, qty, quantita, quantity, units",
        "lines.unit_price": "prezzo, prezzo unitario, price, unit price",
        "lines.amount": "amount, gross amount, importo, line total, total, totale, totale riga",
        "lines.discount_amount": "discount, discount amount, sconto",
        "lines.tax_rate": "aliquota, aliquota iva, iva, tax rate, vat",
        "lines.line_id": "line, line id, line number, numero riga, riga",
    },
    "products": {
        "sku": "article, articolo, codice, codice articolo, ean, id, product id",
        "name": "description, descrizione, nome, nome prodotto, product name, title",
        "brand": "marca, marchio, vendor",
        "category": "categoria, product type, reparto",
        "product_line": "line, linea, linea prodotto",
        "collection": "collezione, season, stagione",
        "unit_price": "list price, prezzo, prezzo di listino, prezzo unitario, price",
        "unit_cost": "cost, costo, costo unitario",
        "tax_rate": "aliquota, aliquota iva, iva, vat",
    },
    "events": {
        "external_id": "event id, id, id evento, uuid",
        "type": "event, event name, event type, evento, tipo",
        "occurred_at": "created at, data, data ora, date, datetime, event time, time, timestamp",
        "customer.source_id": (
            "client id, cod cliente, codice cliente, customer id, customer number, id cliente, numero cliente"
        ),
        "customer.email": "customer email, e mail, email, email cliente, mail",
        "customer.id": "customer uuid, fidelio id, public id",
        "identity.value": "card, cookie, device, device id, identity, tessera",
        "identity.namespace": "namespace",
        "sales_channel": "canale, canale di vendita, channel",
        "store": "codice negozio, negozio, pdv, punto vendita, shop, store code",
        "sku": "article, articolo, product, product id",
        "amount": "importo, valore, value",
        "currency": "divisa, valuta",
        "payload": "data json, properties",
    },
    "consents": {
        "email": "e mail, email address, indirizzo email, mail",
        "customer.source_id": (
            "client id, cod cliente, codice cliente, customer id, customer number, id cliente, numero cliente"
        ),
        "customer.id": "customer uuid, fidelio id, public id",
        "channel": "canale",
        "purpose": "finalita, scopo",
        "state": "consenso, consent, stato, status",
        "address": "contact, recapito",
        "occurred_at": "consent date, data, data consenso, date, timestamp",
        "text_version": "informativa, version, versione",
        "proof": "evidence, prova",
    },
}
